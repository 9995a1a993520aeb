package league_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"idsrl/experiments/league"
	"idsrl/results"
)

const natsPerElo = math.Ln10 / 400

// One attacker against one defender, by hand: with p the modelled probability, w wins in n games and precision τ of the
// prior, the mode has w - n p = τ a and d = -a; the information about (a-d)/2, which a differs by from the mean, is
// 4c + 2τ with c = n p (1-p).
func TestRatingsByHand(t *testing.T) {
	tau := 1 / (400 * natsPerElo) / (400 * natsPerElo)
	for _, c := range []struct{ wins, games float64 }{{75, 100}, {1, 2}, {0, 1000}, {20_000, 20_000}, {3, 10}} {
		low, high := -100.0, 100.0
		for range 200 {
			a := (low + high) / 2
			if p := 1 / (1 + math.Exp(-2*a)); c.wins-c.games*p > tau*a {
				low = a
			} else {
				high = a
			}
		}
		p := 1 / (1 + math.Exp(-2*low))
		info := c.games * p * (1 - p)
		half := results.Z95 * math.Sqrt(1/(4*info+2*tau)) / natsPerElo
		attackers, defenders := league.Rate([][]float64{{c.wins}}, [][]float64{{c.games}})
		for name, got := range map[string][2]float64{
			"attacker's rating":   {attackers[0].Elo, low / natsPerElo},
			"defender's rating":   {defenders[0].Elo, -low / natsPerElo},
			"attacker's interval": {attackers[0].High() - attackers[0].Elo, half},
			"defender's interval": {defenders[0].Elo - defenders[0].Low(), half},
		} {
			if math.Abs(got[0]-got[1]) > 1e-6*(1+math.Abs(got[1])) {
				t.Errorf("%v wins in %v games: %s %v, want %v", c.wins, c.games, name, got[0], got[1])
			}
		}
	}
}

// Ratings that the games were drawn from are found: of 12, all within 4.5 standard errors, which fails by chance with 12·7e-6.
func TestRatingsFindTheTruth(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	truth := make([]float64, 12)
	for i := range truth {
		truth[i] = 150 * rng.NormFloat64()
	}
	wins, games := make([][]float64, 5), make([][]float64, 5)
	for a := range wins {
		wins[a], games[a] = make([]float64, 7), make([]float64, 7)
		for d := range 7 {
			games[a][d] = float64(100 + 50*d)
			for range int(games[a][d]) {
				if rng.Float64() < 1/(1+math.Pow(10, (truth[5+d]-truth[a])/400)) {
					wins[a][d]++
				}
			}
		}
	}
	attackers, defenders := league.Rate(wins, games)
	centre := results.Mean(truth)
	for i, r := range append(attackers, defenders...) {
		if want := truth[i] - centre; math.Abs(r.Elo-want) > 4.5*r.Half/results.Z95 {
			t.Errorf("rating %d: %v ± %v, want %v", i, r.Elo, r.Half, want)
		}
	}
}
