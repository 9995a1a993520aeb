// Package league lets agents of several algorithms train against each other over rounds, and measures them by all matches
// among them.
//
// A league has attackers and defenders. Its members are players that never change: those that the configuration names, and
// what agents have learnt, as checkpoints by the hash of their bytes. In each round every agent trains anew, an ordinary run
// of package experiments, against a mixture of the other side's members, one drawn for each episode; what it has learnt
// joins the league. Then the matches that are missing are played, of every attacker against every defender, and the
// payoff matrix is solved. An agent differs by whom it trains against:
//
//   - a main agent: by default, the other side's meta-strategy, which is the equilibrium of the payoff matrix. With main
//     agents alone, this is PSRO (Lanctot et al. 2017, arXiv:1711.00832), whose oracle is the agent's algorithm;
//   - a main exploiter: the latest members of the other side's main agents, to find what is wrong with them;
//   - a league exploiter: all members of the other side by win rate, to find what is wrong with the whole league
//     (Vinyals et al. 2019, doi:10.1038/s41586-019-1724-z).
//
// The runs of a round do not depend on each other, nor do matches, so they go in parallel, and the number of workers changes
// no byte but of manifests. After each piece of work the state is on the disk; after a kill, the same command goes on.
package league
