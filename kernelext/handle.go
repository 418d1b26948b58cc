package kernelext

import "github.com/janpfeifer/gonb/gonbui"

// Handle is a display of the cell whose content can be replaced: the notebook keeps only the last state. In a terminal and
// in a pipe each state is printed below the one before.
type Handle struct {
	front *frontend
	id    string
	opts  []Option
}

// NewHandle shows v as [Show] does and returns the handle that replaces it. The options hold for every state.
func NewHandle(v any, opts ...Option) (*Handle, error) {
	h := here.newHandle(opts)
	return h, h.Update(v)
}

// newHandle uses an id that no other process has used: GoNB remembers ids as long as it lives, and a known one shows
// nothing in a cell that is run again.
func (f *frontend) newHandle(opts []Option) *Handle {
	return &Handle{front: f, id: gonbui.UniqueId(), opts: opts}
}

// Update shows v instead of the previous content, and returns when it has arrived.
func (h *Handle) Update(v any) error {
	o, err := gather(h.opts)
	if err != nil {
		return err
	}
	b, err := bundleOf(v, o)
	if err != nil {
		return err
	}
	return h.front.show(b, h.id)
}
