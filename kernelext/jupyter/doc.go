// Package jupyter speaks the Jupyter messaging protocol, version 5.4, over ZeroMQ.
//
// It has four parts; each of the first three is usable without the next:
//
//   - the wire: [Envelope] (frames of one message), [Signer] (HMAC-SHA256) and [Message] (parsed), for either side of
//     a connection; [ConnectionInfo] is the connection file;
//   - a kernel on this machine: [Spec] (an installed kernelspec) and [Process] (a running kernel, ended without
//     leaving a process or a file behind);
//   - a client: [Client] (the five channels) and [Kernel], which is a Process and the Client that talks to it; [Raw] is
//     a client that passes messages on as they are;
//   - a kernel's own side: [Server] (the five channels, for several front ends at once).
//
// ZeroMQ's wire protocol is written here, as much as Jupyter uses of it: all that a peer announces is bounded before it
// is believed, and nothing that a peer does, or leaves undone, keeps a goroutine or more than a bounded queue.
//
// The protocol is described at https://jupyter-client.readthedocs.io/en/stable/messaging.html. Nothing here blocks
// for ever: each wait ends with its context, with the death of the kernel, or with the loss of the connection.
package jupyter
