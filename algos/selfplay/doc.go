// Package selfplay lets the learners of a game take turns, each against frozen policies of the others: copies of what these
// play now, or members of a pool of what they played before.
//
// A learner learns in games of its own, in which nobody else learns. Who plays against it is drawn for each episode and
// changes only between episodes.
//
// # Pool
//
// Every learner has a pool of its past policies, which the others are trained against. It begins with the untrained policy,
// after the scripted bots if these are wanted, and grows by a copy of the learner every so many of its updates. With
// probability pool.probability an episode is played against a member of the pool, else against the current policy. Members
// are drawn
//
//	uniform   all alike
//	quality   p = softmax(q); where member i lost, q_i ← q_i − η / (N p_i), and a new member begins with the largest q
//	          (Berner et al. 2019, arXiv:1912.06680, appendix N)
//	pfsp      p ∝ f(x), with x the learner's win rate against the member: f(x) = (1−x)^2 (hard) or x(1−x) (even)
//	          (prioritized fictitious self-play; Vinyals et al. 2019, doi:10.1038/s41586-019-1724-z)
//
// # Differences from the original
//
// All periods are in updates of the learner, and are not exceeded by one (defect B23 in the original's list). The outcome of
// an episode is known when qualities follow it (B22). Current policies do not play in the place of past ones, as they do
// in one of its trainers. Bots are never evicted.
package selfplay
