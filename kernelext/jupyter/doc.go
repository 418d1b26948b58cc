// Package jupyter implements the Jupyter messaging protocol, version 5.4, over ZeroMQ.
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
// The package implements the part of ZeroMQ's wire protocol that Jupyter uses. Every size that a peer announces is
// checked against a limit. A peer that misbehaves, or does not react, costs no goroutine and only a bounded queue.
//
// The protocol is described at https://jupyter-client.readthedocs.io/en/stable/messaging.html. No call blocks for ever:
// each wait ends with its context, with the death of the kernel, or with the loss of the connection.
package jupyter
