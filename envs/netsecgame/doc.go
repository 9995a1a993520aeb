// Package netsecgame is the networked intrusion game of NetSecGame, version 0.2.0: networks with hosts, services and data,
// which agents explore, exploit and defend. It is built from a description of the game's behaviour, and replays recorded
// conversations of the original without a difference; see package recording.
//
// # Story
//
// Attackers start on a host or two. They scan networks, find services, exploit them to control more hosts, find data, and
// bring what they want to where they want it. Defenders start on all hosts inside and block addresses. Benign agents use
// the network at random. All share one [World]; each has its own [State], what it knows and controls, and a goal, a state
// that must be contained in its own. There are no turns: a move is played when it comes.
//
// # Actions
//
// S is the source, which the agent must control. Whatever else an action needs, it has no effect without it, and a step
// counts all the same. Reachable is what the firewall lets pass.
//
//	ScanNetwork     S, network          learns the reachable addresses in the network
//	FindServices    S, target           learns the services of a reachable target; local ones only of an own host
//	FindData        S, target           learns data and blocks of a reachable own host
//	ExploitService  S, target, service  controls a reachable target by a service that it has and the agent knows
//	ExfiltrateData  S, target, data     copies known data from S to a reachable own host
//	BlockIP         S, target, blocked  stops traffic both ways between a reachable own host and any address
//
// Every host has a log, a file that lists the actions on it.
//
// # Scenarios and tasks
//
// A [Scenario] is a topology: [NamedScenario] has those of the original, [ParseScenario] reads others. A [Task] adds start
// positions, goals, rewards, and the rules in force: [LoadTask] reads the task configurations of the original as they are.
// Where they leave something to chance, a [Randomness] decides, anew in every episode.
//
//	task, warnings, err := netsecgame.LoadTask(path, data)
//	w := netsecgame.NewWorld(task, netsecgame.Compat{}, randomness)
//	a := w.NewAgent(envs.Attacker)
//	m, err := w.Compile(action) // names to numbers
//	err = w.Apply(a, m)
//	if a.GoalReached() { ... }
//
// Who wins, when an episode ends and what is paid is up to package coordinator, which serves agents by messages, and to
// package play, which learners use in process.
//
// # Numbers for names
//
// Inside a World, addresses, networks, services and data are small integers: first those of the scenario, then those that
// the task names, last the addresses that agents make up when they block. Knowledge is bitsets of them. New addresses
// change what numbers are called and nothing else, so moves and states survive them. A log is kept once, as a list; who
// has seen it knows how many entries there were. So an action takes time for what it does, however long the episode.
// Names come back at the border: [State.View], [World.Action].
//
// # Differences from the original
//
// What clients can see is kept, odd or not: among others, a log once seen is not updated by finding it again (Q9 in the
// specification's list of quirks), an agent sees live what changes on a host until it acts again after its first FindData
// there (Q10), a random goal may be a log (Q18), an exploited host need not be known (Q23), and agents can change size and
// content of what they copy (Q24). Whether the oddest rules hold says [Compat], whose zero value mends them:
//
//   - Slots: as many connections as required players, so that other roles find no place (Q6).
//   - DefenderGoal: a defender's empty goal is reached by its first action, which ends its part (Q13).
//   - ResetDeadlock: who waits for a reset keeps others from hearing of their end (Q8).
//   - BlockedHost: the name that the list of all actions has for BlockIP's parameter is not understood (Q11).
//   - JoinStarts: whoever leaves makes all wait for somebody to join.
//   - ConflictStops: disagreement on a reset stops the game.
//
// Intended differences:
//
//   - A change of addresses works with all_local, with networks in start positions and goals, and without a section for
//     defenders (Q17). Addresses that would meet are drawn again.
//   - Task files are checked as a whole, and bad ones refused, where the original starts and hangs later (Q19, Q26). They
//     are one document without anchors, tags and directives.
//   - Success probabilities count if env.use_success_probabilities is true.
//   - Logs, made-up addresses and contents have limits: [MaxLogged], [MaxMadeUp], [MaxStored]. Zones of IPv6 addresses are
//     short.
package netsecgame
