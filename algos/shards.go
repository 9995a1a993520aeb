package algos

import "idsrl/nets"

// Loss computes what some rows add to the mean of a loss over n rows, given what the network says of them now, and writes
// the derivatives to d. Several goroutines call it at once.
type Loss func(d, now nets.PolicyOut, rows Minibatch, n int) nets.LossMetrics

// shardRows is how many rows one goroutine takes at a time, or with a memory more, until a sequence ends.
const shardRows = 64

// step computes gradients, of many rows on several cores. Rows are split into shards and the gradients of these are added
// in their order: the result does not depend on who computed what.
type step struct {
	net    nets.Policy[float32]
	graphs bool // gorgonia computes, not the networks themselves
	shards []*shard
	ends   []int // of the shards' rows
	parts  parts
	work   func(part int)

	rows Minibatch // of the step that is running
	loss Loss
}

// shard is a network over the shared parameters, and what came of its rows.
type shard struct {
	net     nets.Policy[float32]
	graph   *nets.PolicyGraph[float32] // or nil
	rows    Minibatch
	d       nets.PolicyOut
	metrics nets.LossMetrics
}

func (s *step) init(net nets.Policy[float32], graphs bool) {
	s.net, s.graphs, s.work = net, graphs, s.shard
	s.add(net)
}

// add makes a shard for a network.
func (s *step) add(net nets.Policy[float32]) {
	at := &shard{net: net}
	if s.graphs {
		var err error
		at.graph, err = nets.NewPolicyGraph(net, nil, func(d, now nets.PolicyOut) float64 {
			at.metrics = s.loss(d, now, at.rows, len(s.rows.Action))
			return at.metrics.Loss
		})
		if err != nil {
			panic(err) // there are graphs of all networks without a memory
		}
	}
	s.shards = append(s.shards, at)
}

// gradient adds the gradient of the mean loss over rows to that of the network, which it leaves in the network.
func (s *step) gradient(rows Minibatch, loss Loss) (sum nets.LossMetrics) {
	s.rows, s.loss = rows, loss
	s.split()
	n := len(s.ends)
	s.parts.run(n, s.work)
	for k := range n {
		sum.Add(s.shards[k].metrics)
		if k > 0 {
			nets.Accumulate(s.net.Grads(), s.shards[k].net.Grads())
		}
	}
	return sum
}

// split makes shards of the rows.
func (s *step) split() {
	_, recurrent := s.net.(*nets.Recurrent[float32])
	n := len(s.rows.Action)
	s.ends = s.ends[:0]
	for end := 0; end < n; {
		end = min(end+shardRows, n)
		for recurrent && end < n && !s.rows.First[end] {
			end++
		}
		if len(s.ends) == len(s.shards) {
			s.add(s.net.Replica())
		}
		s.ends = append(s.ends, end)
	}
}

// shard computes the gradient of one shard.
func (s *step) shard(k int) {
	at, from := s.shards[k], 0
	if k > 0 {
		from = s.ends[k-1]
	}
	rows := s.rows.slice(from, s.ends[k])
	if at.graph != nil {
		at.rows = rows
		at.graph.Gradient(rows.Action, rows.Obs, rows.Legal)
		return
	}
	size := len(rows.Action)
	if len(at.d.LogProb) < size {
		at.d = nets.NewPolicyOut(max(size, shardRows))
	}
	d := at.d.Rows(size)
	at.metrics = s.loss(d, evaluate(at.net, rows), rows, len(s.rows.Action))
	at.net.Propagate(d)
}

// evaluate is what net says of the rows.
func evaluate(net nets.Policy[float32], m Minibatch) nets.PolicyOut {
	if r, ok := net.(*nets.Recurrent[float32]); ok {
		return r.EvaluateSequences(m.First, m.Action, m.Obs, m.Legal)
	}
	return net.Evaluate(m.Action, m.Obs, m.Legal)
}
