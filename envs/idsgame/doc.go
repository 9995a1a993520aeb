// Package idsgame is the two-player intrusion Markov game of gym-idsgame (Hammar and Stadler 2020, arXiv:2009.08120),
// after the network-attack game of Elderman et al. (2017). It replays every recorded step of the Python original to the
// last bit; see package recording.
//
// # Story
//
// An attacker starts below a layered network and wants the data node at its top. Every node has an attack value and a
// defence value for each attack type, and one detection value. In each step the defender raises one of its values by
// one, then the attacker raises one attack value of an adjacent node that is not below it. If that value now exceeds
// the node's defence value of the same type, the attacker moves there; if not, it is detected with a tenth of the
// node's detection value as probability. Reaching the data node is a hack and wins for the attacker; a detection wins
// for the defender.
//
// # Observations
//
// Attacker, full view, a row for each node:
//
//	T attack values, 0 for nodes that are neither the attacker's nor adjacent to it (unless the game is fully observed)
//	1 if the attacker is here, else 0
//	with reconnaissance: T defence values as known, Unknown where not; then, if asked for, 1 if the node was scanned
//
// Attacker, local view, a row for each of relative_neighbor_positions: T attack values, the node's id, and with
// reconnaissance the same columns; all -1 where the position holds no node that can be attacked.
//
// Defender, a row for each node: T defence values, the detection value. It never sees the attacker.
//
// Settings encode this as the original's learners did, in this order:
//
//	zero_mean_features   attack values less their mean in each row, and defence values less theirs
//	normalize_features   attack values divided by their norm over all rows, and defence values by theirs, to which the
//	                     detection values belong unless the game has reconnaissance; a norm of 0 divides nothing
//	observation: own     the columns above
//	observation: joint   if the game is fully observed, for both seats: T attack values, the flag or id, T defence
//	                     values, the detection value
//	observation: merged  there, and for an attacker with reconnaissance: T defence minus attack values, the flag or id,
//	                     the detection value if the game is fully observed, the flag of a scanned node; all -1 in a
//	                     local view's row that has no node or whose known defence values are 0
//
// # Actions
//
// Attack id node*W + type, where W is T, or with reconnaissance T+1 and type T is reconnaissance of the node. Defence id
// node*(T+1) + type, where type T raises the detection value. Impossible attacks may be played; they cost the attacker 1.
// Legal leaves out impossible attacks and attack values at the maximum, and defences of the start node.
//
// # Rewards, start, end
//
// Config.Describe explains the four reward schemes. An episode starts in the base state of its instance, in which
// weak spots are drawn from the instance seed; or, if the game is randomised, in a new state from the episode's seed.
// It is terminated by a hack or a detection, and truncated by the call of Step after max_game_steps+1 steps, which
// costs both sides 100 and changes nothing else.
//
// # Settings and versions
//
// Config has every setting. Entries has the 22 versions, each in five matchups: against the minimal and the random
// defence, against the maximal and the random attack, and with both seats open.
//
// # Layers
//
// Rules.Apply is the pure transition: a state, an attack, a defence and a detection roll in, the next state and the
// rewards out. Game is the Env above it: it draws rolls and initial states, and keeps observations, legal actions and
// what the bots look for up to date cell by cell. Dealer makes initial states from any source of draws.
//
// Model writes a game out for package exact, by the same Apply and Dealer, so that its value can be computed, and
// Game.BestAttack finds the best response to a bot.
//
// # Differences from the original
//
// What its traces show is kept, odd or not: among others, the start node can be defended (1 in the specification's list
// of quirks), an attack value at its maximum can be played on (4), the limit comes after 101 steps and costs both sides
// 100 (8), the minimal defence prefers some equals (15), the maximal attack sees one type a node (17) and in version 18
// may answer with an id of the local action space (14), knowledge is a snapshot (18), the v3 rewards look up the wrong
// row (21), and repeated draws make weak spots fewer (25). Intended differences:
//
//   - Both seats get their own observation and action space, with bounds that hold (9, 10, 11).
//   - The random attack plays in versions 18 to 21, where the original raises an error (13).
//   - The defender's reward of a detection is finite where everything is at the maximum: the sum over all rows instead
//     of infinity (22). Rules.Apply keeps the infinite one.
//   - Reset obeys its seed (27), and the instance seed decides the layout.
//   - The step limit truncates; it does not terminate (44).
//   - An attack id of -1 is for Rules.Apply only (6); Env.Step panics at any id outside the spaces (7), and after the
//     end of an episode.
//   - The tables' full state works for both seats at once and is offered wherever it has at most 2^21 states (35); the
//     node is known also in local views (36).
//   - Reconnaissance goes together with full observation and with local views without flags (34).
//   - Where the attacker has no legal action left, Legal allows all ids.
//   - Joint observations are joined row by row, not one matrix after the other, and show in a local view the values of its
//     nodes. Encodings apply to the values of all types; the original leaves out the last one in zero-mean local views.
package idsgame
