package algos

import "idsrl/nets"

// graphStep makes updates by a graph of gorgonia, on one core.
type graphStep struct {
	graph *nets.PolicyGraph[float32]

	rows    Minibatch // of the update that is running
	loss    Loss
	metrics nets.LossMetrics
}

func newGraphStep(a *Actor) (g *graphStep, err error) {
	g = new(graphStep)
	g.graph, err = nets.NewPolicyGraph(a.Net, a.Adam, func(d, now nets.PolicyOut) float64 {
		g.metrics = g.loss(d, now, g.rows, len(g.rows.Action))
		return g.metrics.Loss
	})
	return g, err
}

// update makes one step of Adam on the mean of a loss over rows, and returns the norm of its gradient.
func (g *graphStep) update(rows Minibatch, loss Loss, rate, maxNorm float64) (nets.LossMetrics, float64) {
	g.rows, g.loss = rows, loss
	_, norm := g.graph.Update(rows.Action, rows.Obs, rows.Legal, rate, maxNorm)
	return g.metrics, norm
}
