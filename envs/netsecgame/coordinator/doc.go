// Package coordinator runs a game of NetSecGame: who plays, when an episode starts and ends, what agents are told. It is
// a deterministic state machine: a [Coordinator] takes events (a client connects, sends, leaves) and returns replies. It
// knows neither sockets nor time; packages server and recording give it events.
//
// # Messages
//
// A client sends JSON objects without any mark between them, which a [Framer] cuts out of the stream and [Parse] reads:
//
//	{"action_type": "ActionType.FindData", "parameters": {"source_host": {"ip": "192.168.1.2"}, ...}}
//
// Each has exactly one reply, a JSON object in ASCII followed by EOF, and a client waits for it before it sends again.
// QuitGame has none: the connection is closed. What cannot be read or played gets a reply of status BAD_REQUEST and
// changes nothing.
//
// # Episodes
//
// Actions are played as they arrive. The reply to the action that ends an agent's episode waits until the episode is
// over for all agents, since it brings the final reward; the reply to ResetGame waits until all agents wish it; the
// reply to JoinGame, and to ResetGame after somebody has left, waits until there are enough attackers.
//
// Which odd rules of the original are kept is a matter of [netsecgame.Compat]. Whatever it says, what the original never
// answers is answered: a missing parameter, an action or a reset before joining, a seed that is negative or has more than
// 32 bits. Bytes that are not UTF-8 are one bad request, a client that leaves is noticed while its reply is outstanding,
// QuitGame frees its place, and a conflict in a reset leaves no stale reply behind.
package coordinator
