// Package play is NetSecGame in process, as environments to learn in: a world of package netsecgame with a seat for
// each agent. It plays whole episodes, from one reset to the next, without messages.
//
// # Seats
//
// Attackers first, then defenders, then benign agents, as many as [Config] says. In a step every seat plays one action,
// in this order. An agent whose part is over waits for the others, and is paid nothing meanwhile.
//
// # Actions
//
// The ids are the actions on what exists, in the order of the whitebox world's list, and one more, the last: to wait.
// The full list is long, mostly because BlockIP has three addresses: 1566 actions in two_networks_small, 3913 in
// two_networks. Unless [Config] asks for all, ids are left out that bring nothing that another does not (see
// [netsecgame.World.Pointless]), and only defenders block: that leaves 567 for attackers and 639 for defenders in
// two_networks_small.
//
// Legal are those that make sense to the agent by what it knows, the valid actions of the original's clients. Defenders
// may always wait; others only if nothing else is legal. Any id may be played. NetSecGame has no action to wait, so
// [netsecgame.Wait] stands for it: to the global defender it looks like BlockIP, which is never detected.
//
// # Observation
//
// Bits: those of [netsecgame.State.Features]; on request the types of the agent's last actions, by which the global
// defender judges, 6 bits each; and whether the agent's part is over. Blocks are left out of a game in which nobody
// blocks. Everything goes by number, so that new addresses change nothing.
//
// The key for tables is these bits, without the history of hosts that their logs are. With [Config].Key = "python" it
// is the text that tabular agents of the original use, which has the sizes of logs and the addresses in it. That one
// takes memory for every call.
//
// # Rewards, start and end
//
// As in package coordinator: every action pays the step reward; once all agents have ended, attackers are paid for
// their success or failure, then defenders, who succeed if all attackers fail, less their false positives. An
// attacker's part ends with its goal, its detection, or its step limit; that of the others with their next action after
// the last attacker's. All these ends are of the rules, which pay for them: the outcome is Terminated, never Truncated.
// Winner is the attacker if one reaches its goal, else the defender, be there one or not.
//
// The seed of an episode names all that is drawn: start positions and goals, detection, success of actions, new
// addresses. These are drawn from the scenario's own, whatever they were in the episode before. [Config].Addresses numbers
// variants that each have their own addresses, so that training can have some and a test another.
//
// # The best reply to the global defender
//
// It rolls only for what comes too often among the last five actions, or again. Five actions, one of each type but
// BlockIP, bring the data home in two_networks_small and two_networks, from any start: who knows the scenario wins every
// episode, and learners do. Who does not can wait rather than play what would be rolled for: the bot careful wins every
// episode there in 22 steps, where bfs takes 12 and is detected in a quarter of them.
//
// # On a server
//
// A [Remote] lets what was learnt here play a game of the same scenario on a server: it gives the policy the observation,
// the legal actions and the key that it would have here, and puts the id that it plays into the server's words. Addresses
// there may be others ([netsecgame.Mirror]). The steps, rewards and ends are the same.
//
// # Settings and versions
//
// [Config] has them: a standard task, or any task file of NetSecGame, of which required_players, save_trajectories and
// use_dynamic_addresses do not matter here. Odd rules of the original that [netsecgame.Compat] can keep are mended.
// [Entries] are the registered ids.
package play
