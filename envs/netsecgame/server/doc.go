// Package server lets agents play NetSecGame over TCP, by the protocol of package coordinator.
//
// A [Server] has one or more rooms. A room is a game with a port of its own; its goroutine owns the coordinator. Each
// connection has a goroutine that reads messages and one that writes replies, so that no client can make the room wait:
// one that does not read is cut off, one that sends ahead of the replies is answered in turn up to a limit, one that
// vanishes is noticed at any time.
//
// A server that other machines can reach must encrypt and must ask for a token or a client's certificate: [Listen] returns
// [ErrExposed] otherwise, unless the [Config] is Insecure.
package server
