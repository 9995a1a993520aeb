package algos

// GAE writes generalized advantage estimates into adv and value targets into target, for one environment's
// consecutive steps (Schulman et al. 2016, arXiv:1506.02438, equations 11 to 16):
//
//	δ_t = r_t + γ V(s_{t+1}) − V(s_t),   A_t = δ_t + γλ A_{t+1},   target_t = A_t + V(s_t)
//
// next[t] is V(s_{t+1}): 0 after a terminal step, the value of the last observation after a truncated one. done[t]
// ends the sum. All slices have length T, or GAE panics. Values are in the environment's reward units.
func GAE(adv, target, reward, value, next []float64, done []bool, gamma, lambda float64) {
	n := len(reward)
	if len(adv) != n || len(target) != n || len(value) != n || len(next) != n || len(done) != n {
		panic("algos: GAE of slices that differ in length")
	}
	ahead := 0.0
	for t := n - 1; t >= 0; t-- {
		if done[t] {
			ahead = 0
		}
		ahead = reward[t] + gamma*next[t] - value[t] + gamma*lambda*ahead
		adv[t], target[t] = ahead, ahead+value[t]
	}
}
