// Package agent plays NetSecGame over TCP, on any server that speaks its protocol, with policies that know nothing but
// the states in the server's replies: [Bots], or what was trained in process, as a Remote of package play.
//
// A token goes to another machine only through an encrypted connection, unless [Config] says otherwise.
//
// # Bots
//
// Neither the goal nor the topology is on the wire. An attacker therefore brings every file that it finds, but for logs,
// to a host that it controls outside of private networks, until the server says that it has won.
//
// A bot chooses among the valid actions of the original's clients: from a controlled host, on what it knows, where no
// known block stands between the two. Only defenders block.
package agent
