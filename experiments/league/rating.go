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
	const eloPerNat = 400 / math.Ln10 // ratings are computed on the scale of natural logits
	const precision = (eloPerNat / priorElo) * (eloPerNat / priorElo)
	n, m := len(games), len(games[0])
	theta := mat.NewVecDense(n+m, nil)
	gradient := mat.NewVecDense(n+m, nil)
	information := mat.NewSymDense(n+m, nil)
	// expand writes gradient and negative Hessian at theta, and returns the logarithm of the posterior but for a constant.
	expand := func() (logPosterior float64) {
		information.Zero()
		for i := range n + m {
			x := theta.AtVec(i)
			logPosterior -= precision * x * x / 2
			gradient.SetVec(i, -precision*x)
			information.SetSym(i, i, precision)
		}
		for a := range n {
			for d := range m {
				z := theta.AtVec(a) - theta.AtVec(n+d)
				p := 1 / (1 + math.Exp(-z))
				logPosterior += wins[a][d]*z - games[a][d]*softplus(z)
				surprise, weight := wins[a][d]-games[a][d]*p, games[a][d]*p*(1-p)
				gradient.SetVec(a, gradient.AtVec(a)+surprise)
				gradient.SetVec(n+d, gradient.AtVec(n+d)-surprise)
				information.SetSym(a, a, information.At(a, a)+weight)
				information.SetSym(n+d, n+d, information.At(n+d, n+d)+weight)
				information.SetSym(a, n+d, -weight)
			}
		}
		return logPosterior
	}
	var chol mat.Cholesky
	var step, last mat.VecDense
	best := expand()
	for range 100 {
		chol.Factorize(information) // positive definite because of the prior
		if err := chol.SolveVecTo(&step, gradient); err != nil {
			break // nearly singular: as close as rounding allows
		}
		last.CloneFromVec(theta)
		theta.AddVec(&last, &step)
		value := expand()
		for value < best && mat.Norm(&step, 2) > 1e-12 { // too far
			step.ScaleVec(0.5, &step)
			theta.AddVec(&last, &step)
			value = expand()
		}
		if best = value; mat.Norm(&step, math.Inf(1)) < 1e-10 {
			break
		}
	}
	var covariance mat.SymDense
	chol.Factorize(information)
	if err := chol.InverseTo(&covariance); err != nil {
		covariance = *mat.NewSymDense(n+m, nil)
	}
	all := make([]Rating, n+m)
	for i := range all {
		variance := covariance.At(i, i) - 1/precision/float64(n+m)
		all[i] = Rating{eloPerNat * theta.AtVec(i), eloPerNat * results.Z95 * math.Sqrt(max(variance, 0))}
	}
	return all[:n], all[n:]
}

// softplus is log(1 + e^z).
func softplus(z float64) float64 { return max(z, 0) + math.Log1p(math.Exp(-math.Abs(z))) }
