package lecture11

import (
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/zeebo/xxh3"
)

// trainingSpec holds everything that the training of a model reads. [fitted.training] builds both the training and its
// key from it, so that all inputs are in the key.
type trainingSpec struct {
	kind  string    // of the model, as in trainingSources
	name  string    // of the result, for people
	model any       // the configuration, with its defaults
	seed  int64     // of the initial weights
	fit   FitConfig // with its defaults
	id    string    // of the data, for people

	settings map[string]any // further inputs of build, such as the plans of runs
	objects  []namedTensor  // each [n, …]; a step sees the rows of its batch
	whole    []namedTensor  // a step sees all of each, after its batch
	perStep  int            // number of objects in a step; 0: fit.Batch

	build       stepFn
	numbers     func(step int) []float64                 // numbers of each step that build reads; nil if there are none
	evaluate    func(e *Evaluation) (*heldOutSet, error) // nil for a model that cannot be evaluated
	unevaluated string                                   // why, and what to use instead
}

// namedTensor is an input of a training with its name in the key.
type namedTensor struct {
	name  string
	value *tensors.Tensor
}

// training returns the training that spec describes. Its key holds
//
//	kind, model, fit   the model and its training
//	data               the ID of the data, for people
//	inputs             name → hash of the contents of each tensor, its type and shape included
//	networks           ID of custom networks and hashes of the graphs that they build; omitted if there are none
//	settings           further inputs of the step; omitted if there are none
//	start              hash of the weights from which the training starts; omitted if the seed draws them
//	code               hash of the source files on which the numbers depend
func (f *fitted) training(spec trainingSpec) (*Training, error) {
	cfg := spec.fit
	key := map[string]any{"kind": spec.kind, "model": spec.model, "fit": cfg, "data": spec.id, "code": codeVersion(spec.kind)}
	held, err := spec.heldOut(f.kind)
	if err != nil {
		return nil, err
	}
	inputs, err := hashInputs(slices.Concat(spec.objects, spec.whole, held.named()))
	if err != nil {
		return nil, fmt.Errorf("lecture11: %s.Training: %w", f.kind, err)
	}
	key["inputs"] = inputs.hashes
	if spec.settings != nil {
		key["settings"] = spec.settings
	}
	start, err := f.startHash()
	if err != nil {
		return nil, fmt.Errorf("lecture11: %s.Training: first weights: %w", f.kind, err)
	}
	if start != "" {
		key["start"] = start
	}
	if spec.perStep > 0 {
		cfg.Batch = spec.perStep
	}
	t, err := newTraining(Training{
		name: spec.name, key: key, cfg: cfg, backend: f.backend, store: f.store, model: f, initSeed: spec.seed,
		data: tensorsOf(spec.objects), whole: tensorsOf(spec.whole), build: spec.build, numbers: spec.numbers, held: held, inputs: inputs,
	})
	if err != nil || f.networks == "" {
		return t, err
	}
	if key["networks"], err = t.networksKey(); err != nil {
		return nil, fmt.Errorf("lecture11: cannot build %s: %w", t.name, err)
	}
	return t, nil
}

// hashedInputs holds the tensors that a training reads, and hashes of their contents by name.
type hashedInputs struct {
	named  []namedTensor
	hashes map[string]string
}

// hashInputs hashes the contents of tensors.
func hashInputs(named []namedTensor) (hashedInputs, error) {
	in := hashedInputs{named, map[string]string{}}
	for _, x := range named {
		hash, err := contentsHash(x.value)
		if err != nil {
			return in, fmt.Errorf("%s: %w", x.name, err)
		}
		in.hashes[x.name] = hash
	}
	return in, nil
}

// unchanged returns an error that names the first tensor whose contents have changed since they were hashed. The caller
// of Training still owns them, so that the key could name other contents than those that the training reads.
func (in hashedInputs) unchanged() error {
	for _, x := range in.named {
		hash, err := contentsHash(x.value)
		if err != nil {
			return fmt.Errorf("lecture11: %s: %w", x.name, err)
		}
		if hash != in.hashes[x.name] {
			return fmt.Errorf("lecture11: %s changed after Training was called, want them unchanged until Run returns", x.name)
		}
	}
	return nil
}

// startHash identifies the weights from which a training starts; it is "" if there are none.
func (f *fitted) startHash() (string, error) {
	defer f.reading()()
	if f.store.NumVariables() == 0 {
		return "", nil
	}
	return f.variablesHash(feedsTraining)
}

// feedsTraining reports whether a training that starts reads the variable. These are all variables except the states of
// the random generator and of evaluations, which the training sets itself.
func feedsTraining(v *model.Variable) bool {
	return v.Name() != model.RNGStateVariableName && !ofEvaluation(v)
}

// tensorsOf returns the tensors without their names.
func tensorsOf(named []namedTensor) []*tensors.Tensor {
	values := make([]*tensors.Tensor, len(named))
	for i, x := range named {
		values[i] = x.value
	}
	return values
}

// contentsHash identifies a tensor by its type, its shape and its values, as 32 hexadecimal digits; it is "" for nil.
// It reads a few gigabytes per second, so that the contents of a data set are hashed at each start instead of being
// trusted.
func contentsHash(t *tensors.Tensor) (string, error) {
	if t == nil {
		return "", nil
	}
	hash := xxh3.New()
	if err := writeContents(hash, t); err != nil {
		return "", err
	}
	return contentsDigest(hash), nil
}

// writeContents adds the type, the shape and the values of a tensor to a hash.
func writeContents(hash *xxh3.Hasher, t *tensors.Tensor) error {
	fmt.Fprintln(hash, t.Shape())
	return t.ConstBytes(func(data []byte) { _, _ = hash.Write(data) })
}

// contentsDigest returns the form in which a key keeps a hash of the contents of tensors.
func contentsDigest(hash *xxh3.Hasher) string {
	sum := hash.Sum128().Bytes()
	return hex.EncodeToString(sum[:])
}
