// Package jupyter speaks the Jupyter messaging protocol, version 5.4, over ZeroMQ.
//
// It has three layers, each usable without the next:
//
//   - the wire: [Envelope] (frames of one message), [Signer] (HMAC-SHA256) and [Message] (parsed), for either side of
//     a connection; [ConnectionInfo] is the connection file;
//   - a kernel on this machine: [Spec] (an installed kernelspec) and [Process] (a running kernel, ended without
//     leaving a process or a file behind);
//   - a client: [Client] (the five channels) and [Kernel], which is a Process and the Client that talks to it.
//
// The protocol is described at https://jupyter-client.readthedocs.io/en/stable/messaging.html. Nothing here blocks
// for ever: each wait ends with its context, with the death of the kernel, or with the loss of the connection.
package jupyter
