package exact

import (
	"fmt"
	"math"
	"strconv"
)

// RespondToMixture returns what seat gets by the best response to the other seat's mixed strategy: it plays members[i], a
// policy, for a whole episode with probability weights[i]. Who plays is not told, but the course of the episode tells of it.
// So this is more than the best response to the average of the members would get, and no more than to each of them:
// the best response acts on the state and on its belief, the probability of each member given the states so far, which
// are all it sees of the other's actions. No state may recur, as in a Finite.
func RespondToMixture(g Game, start []Transition, seat int, members [][][]float64, weights []float64) float64 {
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	belief := make([]float64, len(weights))
	for i, w := range weights {
		belief[i] = w / sum
	}
	r := responder{g: g, seat: seat, members: members, known: map[string]float64{}}
	value := 0.0
	for _, t := range start {
		value += t.Prob * r.value(t.Next, belief)
	}
	return value
}

type responder struct {
	g       Game
	seat    int
	members [][][]float64
	known   map[string]float64 // values by state and belief
}

// value is that of a state in which the members have the given probabilities.
func (r *responder) value(s int, belief []float64) float64 {
	own, others := r.g.Legal(r.seat, s), r.g.Legal(1-r.seat, s)
	if len(own) == 0 || len(others) == 0 {
		return 0
	}
	id := strconv.AppendInt(nil, int64(s), 10)
	for _, p := range belief {
		id = strconv.AppendFloat(append(id, ' '), p, 'g', 12, 64) // beliefs that only rounding tells apart are one
	}
	key := string(id)
	if v, ok := r.known[key]; ok {
		return v
	}
	best := math.Inf(-1)
	for _, a := range own {
		best = max(best, r.actionValue(s, a, others, belief))
	}
	r.known[key] = best
	return best
}

// actionValue is what action a is worth: rewards, and the values of the next states with the beliefs that they bring.
func (r *responder) actionValue(s, a int, others []int, belief []float64) (value float64) {
	var order []int // of next states, so that sums do not depend on a map
	joint := map[int][]float64{}
	var ts []Transition
	for _, b := range others {
		ts = ts[:0]
		sign := 1.0
		if r.seat == 0 {
			ts = r.g.Joint(ts, s, a, b)
		} else {
			ts, sign = r.g.Joint(ts, s, b, a), -1
		}
		for i, p := range belief {
			p *= r.members[i][s][b]
			if p == 0 {
				continue
			}
			for _, t := range ts {
				value += p * t.Prob * sign * t.Reward
				if t.Terminal {
					continue
				}
				if t.Next >= s {
					panic(fmt.Sprintf("exact: state %d leads to %d, which is not below it", s, t.Next))
				}
				if joint[t.Next] == nil {
					joint[t.Next] = make([]float64, len(belief))
					order = append(order, t.Next)
				}
				joint[t.Next][i] += p * t.Prob
			}
		}
	}
	for _, next := range order {
		mass := 0.0
		for _, p := range joint[next] {
			mass += p
		}
		if mass == 0 {
			continue
		}
		for i := range joint[next] {
			joint[next][i] /= mass
		}
		value += mass * r.value(next, joint[next])
	}
	return value
}
