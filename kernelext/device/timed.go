package device

import (
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/go-xla/compute/xla"

	"deeplearning.example/kernelext/internal/agent"
)

// timed is an XLA backend that reports to the supervised kernel how long each compilation took. GoMLX keeps a tensor to
// the backend that its buffer names (compared by ==), so the buffers are wrapped too; go-xla receives its own.
type timed struct {
	*xla.Backend
	tell func(agent.Request)
}

// newTimed reports the time that the backend took to open.
func newTimed(x *xla.Backend, load time.Duration, tell func(agent.Request)) *timed {
	b := &timed{x, tell}
	b.took("plugin load", load)
	return b
}

func (b *timed) took(phase string, d time.Duration) {
	b.tell(agent.Request{Op: agent.OpTiming, Name: phase, Seconds: d.Seconds()})
}

func (b *timed) Builder(name string) compute.Builder {
	builder := b.Backend.Builder(name)
	if builder == nil { // the backend is finalised
		return nil
	}
	return timedBuilder{builder, b}
}

func (b *timed) BufferFromFlatData(device compute.DeviceNum, flat any, shape shapes.Shape) (compute.Buffer, error) {
	return b.own(b.Backend.BufferFromFlatData(device, flat, shape))
}

func (b *timed) NewSharedBuffer(device compute.DeviceNum, shape shapes.Shape) (compute.Buffer, any, error) {
	buffer, flat, err := b.Backend.NewSharedBuffer(device, shape)
	buffer, err = b.own(buffer, err)
	return buffer, flat, err
}

// own sets b as the backend of a buffer.
func (b *timed) own(buffer compute.Buffer, err error) (compute.Buffer, error) {
	if err != nil {
		return nil, err
	}
	return timedBuffer{buffer, b}, nil
}

// timedBuilder builds a computation for a timed backend.
type timedBuilder struct {
	compute.Builder
	backend *timed
}

func (b timedBuilder) Compile() (compute.Executable, error) {
	begin := time.Now()
	executable, err := b.Builder.Compile()
	b.backend.took("xla compile", time.Since(begin))
	if err != nil {
		return nil, err
	}
	return timedExecutable{executable, b.backend}, nil
}

// timedExecutable accepts and returns buffers of a timed backend. Its runs are not timed.
type timedExecutable struct {
	compute.Executable
	backend *timed
}

func (e timedExecutable) Execute(inputs []compute.Buffer, donate []bool, device compute.DeviceNum) ([]compute.Buffer, error) {
	plain := make([]compute.Buffer, len(inputs))
	for i, buffer := range inputs {
		if wrapped, isTimed := buffer.(timedBuffer); isTimed {
			buffer = wrapped.Buffer
		}
		plain[i] = buffer
	}
	outputs, err := e.Executable.Execute(plain, donate, device)
	for i, buffer := range outputs {
		outputs[i] = timedBuffer{buffer, e.backend}
	}
	return outputs, err
}

// timedBuffer is a buffer of a timed backend.
type timedBuffer struct {
	compute.Buffer
	backend *timed
}

func (b timedBuffer) Backend() compute.Backend { return b.backend }

func (b timedBuffer) CopyToDevice(device compute.DeviceNum) (compute.Buffer, error) {
	return b.backend.own(b.Buffer.CopyToDevice(device))
}
