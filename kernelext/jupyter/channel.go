package jupyter

// Channel is one of the five connections between a front end and a kernel.
type Channel string

// The five channels.
const (
	// Shell carries requests and their replies, one at a time.
	Shell Channel = "shell"
	// Control carries requests that must not wait behind those of Shell: interrupt, shutdown.
	Control Channel = "control"
	// Stdin carries the kernel's requests for input and the answers.
	Stdin Channel = "stdin"
	// IOPub carries the outputs and states of a kernel to all its front ends.
	IOPub Channel = "iopub"
	// Heartbeat echoes every message.
	Heartbeat Channel = "heartbeat"
)
