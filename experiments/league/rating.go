package league

import (
	"math"

	"gonum.org/v1/gonum/mat"

	"idsrl/results"
)

// Rating is a member's strength on the Elo scale, with the half-width of its 95 % interval. The mean of all members is 0.
type Rating struct{ Elo, Half float64 }

// Low is the lower end of the interval.
func (r Rating) Low() float64 { return r.Elo - r.Half }

// High is the upper end of the interval.
func (r Rating) High() float64 { return r.Elo + r.Half }

// priorElo is the standard deviation of the prior of each rating. It keeps the rating of one who always wins finite.
const priorElo = 400

// Rate fits ratings to the attackers' wins in games against the defenders, both [attacker][defender]. The model is the
// logistic one of Bradley and Terry (1952), on the scale of Elo (1978):
//
//	P(attacker a wins against defender d) = 1 / (1 + 10^((R_d - R_a) / 400)),   R ~ N(0, priorElo²)
//
// The ratings are the mode of the posterior, found by Newton's method on a concave function; the intervals are normal ones
// from the observed information, the negative Hessian at the mode. Games tell only differences of ratings, so both are of what
// a rating differs from the mean of all, which is 0 at the mode: the variance of that mean, priorElo² over the number of
// members, is taken off. Intervals say how well the games tell the ratings if the model is right. Where strategies beat each
// other in circles, it is not: see the payoff matrix.
func Rate(wins, games [][]float64) (attackers, defenders []Rating) {
	if len(games) == 0 {
		return nil, nil
	}
	n := len(games)
	p := newPosterior(wins, games)
	p.climb()
	covariance := p.covariance()
	all := make([]Rating, p.theta.Len())
	for i := range all {
		variance := covariance.At(i, i) - 1/precision/float64(len(all))
		all[i] = Rating{eloPerNat * p.theta.AtVec(i), eloPerNat * results.Z95 * math.Sqrt(max(variance, 0))}
	}
	return all[:n], all[n:]
}

// Ratings are computed on the scale of natural logits.
const (
	eloPerNat = 400 / math.Ln10
	precision = (eloPerNat / priorElo) * (eloPerNat / priorElo) // of the prior
)

// A posterior is that of the ratings of attackers and, after them, defenders.
type posterior struct {
	wins, games [][]float64
	theta       *mat.VecDense // the ratings
	gradient    *mat.VecDense // of the logarithm of the density, at theta
	information *mat.SymDense // its negative Hessian, at theta
	chol        mat.Cholesky
}

func newPosterior(wins, games [][]float64) *posterior {
	members := len(games) + len(games[0])
	return &posterior{
		wins: wins, games: games, theta: mat.NewVecDense(members, nil), gradient: mat.NewVecDense(members, nil),
		information: mat.NewSymDense(members, nil),
	}
}

// expand writes gradient and information at theta, and returns the logarithm of the density but for a constant.
func (p *posterior) expand() (logDensity float64) {
	n := len(p.games)
	p.information.Zero()
	for i := range p.theta.Len() {
		x := p.theta.AtVec(i)
		logDensity -= precision * x * x / 2
		p.gradient.SetVec(i, -precision*x)
		p.information.SetSym(i, i, precision)
	}
	for a, row := range p.games {
		for d, games := range row {
			z := p.theta.AtVec(a) - p.theta.AtVec(n+d)
			win := 1 / (1 + math.Exp(-z))
			logDensity += p.wins[a][d]*z - games*softplus(z)
			surprise, weight := p.wins[a][d]-games*win, games*win*(1-win)
			p.gradient.SetVec(a, p.gradient.AtVec(a)+surprise)
			p.gradient.SetVec(n+d, p.gradient.AtVec(n+d)-surprise)
			p.information.SetSym(a, a, p.information.At(a, a)+weight)
			p.information.SetSym(n+d, n+d, p.information.At(n+d, n+d)+weight)
			p.information.SetSym(a, n+d, -weight)
		}
	}
	return logDensity
}

// climb moves theta to the mode by Newton's method, halving steps that go too far.
func (p *posterior) climb() {
	var step, last mat.VecDense
	best := p.expand()
	for range 100 {
		p.chol.Factorize(p.information) // positive definite because of the prior
		if err := p.chol.SolveVecTo(&step, p.gradient); err != nil {
			return // nearly singular: as close as rounding allows
		}
		last.CloneFromVec(p.theta)
		p.theta.AddVec(&last, &step)
		value := p.expand()
		for value < best && mat.Norm(&step, 2) > 1e-12 {
			step.ScaleVec(0.5, &step)
			p.theta.AddVec(&last, &step)
			value = p.expand()
		}
		if best = value; mat.Norm(&step, math.Inf(1)) < 1e-10 {
			return
		}
	}
}

// covariance is the inverse of the information at theta; zero if that is nearly singular.
func (p *posterior) covariance() *mat.SymDense {
	covariance := new(mat.SymDense)
	p.chol.Factorize(p.information)
	if err := p.chol.InverseTo(covariance); err != nil {
		return mat.NewSymDense(p.theta.Len(), nil)
	}
	return covariance
}

// softplus is log(1 + e^z).
func softplus(z float64) float64 { return max(z, 0) + math.Log1p(math.Exp(-math.Abs(z))) }
