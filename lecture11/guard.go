package lecture11

import (
	"fmt"
	"sync"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// guard keeps uses of a model's weights and changes to them apart. All models on one store share one guard. It is also
// the store's loader: a use whose networks need weights that the store lacks ends with an error, and no weights are
// drawn.
type guard struct {
	weights  sync.RWMutex // held for reading by a use, for writing by a call of a training and by functions that set weights
	creating bool         // set while weights is held for writing and variables may be created
	building sync.Mutex   // held by a use that builds a graph: GoMLX notes initializers in the variables

	mu     sync.Mutex
	writer string // the current changer of the weights, until end; "" for none
	last   any    // the training that last changed the weights, nil for none
}

// usedVariables are the variables that the networks of a model use, which may be fewer than those in its store. They
// are nil until the networks were built to find them.
type usedVariables struct {
	mu        sync.Mutex
	variables []*model.Variable
}

// begin claims the weights for who. It returns an error if they are claimed by another.
func (g *guard) begin(who string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.writer != "" {
		return fmt.Errorf("lecture11: %s: the model is in use by %s, want one at a time to change its weights", who, g.writer)
	}
	g.writer = who
	return nil
}

func (g *guard) end() {
	g.mu.Lock()
	g.writer = ""
	g.mu.Unlock()
}

// lock waits until nothing uses the weights, and allows variables to be created.
func (g *guard) lock() {
	g.weights.Lock()
	g.creating = true
}

func (g *guard) unlock() {
	g.creating = false
	g.weights.Unlock()
}

// change calls fn, which sets weights, while nothing else uses or changes them.
func (g *guard) change(who string, fn func() error) error {
	if err := g.begin(who); err != nil {
		return err
	}
	defer g.end()
	g.lock()
	defer g.unlock()
	return fn()
}

// LoadVariable is called by the store for a variable that it lacks.
func (g *guard) LoadVariable(_ *model.Store, path string) (*tensors.Tensor, bool) {
	if !g.creating {
		panic(fmt.Errorf("it needs %s, which the weights lack: train or restore this model", path))
	}
	return nil, false
}

// DeleteVariable is called by the store for a variable that it deletes.
func (g *guard) DeleteVariable(*model.Store, string) error { return nil }

// reading keeps the weights unchanged until release is called.
func (f *fitted) reading() (release func()) {
	if f.held {
		return func() {}
	}
	f.guard.weights.RLock()
	return f.guard.weights.RUnlock
}

// hold returns the model for several uses of the same weights, which do not change until release is called.
func (f *fitted) hold() (held fitted, release func()) {
	release = f.reading()
	held = *f
	held.held = true
	return held, release
}

// useFn is a graph function by which a model is used.
type useFn interface {
	func(*model.Scope, *Node) []*Node | func(*model.Scope, *Node, *Node) []*Node | func(*model.Scope, *Node, *Node) *Node
}

// oneAtATime returns fn, limited to one goroutine at a time.
func oneAtATime[F useFn](mu *sync.Mutex, fn F) F {
	var guarded any
	switch fn := any(fn).(type) {
	case func(*model.Scope, *Node) []*Node:
		guarded = func(scope *model.Scope, x *Node) []*Node {
			mu.Lock()
			defer mu.Unlock()
			return fn(scope, x)
		}
	case func(*model.Scope, *Node, *Node) []*Node:
		guarded = func(scope *model.Scope, x, y *Node) []*Node {
			mu.Lock()
			defer mu.Unlock()
			return fn(scope, x, y)
		}
	case func(*model.Scope, *Node, *Node) *Node:
		guarded = func(scope *model.Scope, x, y *Node) *Node {
			mu.Lock()
			defer mu.Unlock()
			return fn(scope, x, y)
		}
	}
	return guarded.(F)
}
