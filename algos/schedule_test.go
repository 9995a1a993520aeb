package algos_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"idsrl/algos"
	"idsrl/envs"
)

func TestSchedule(t *testing.T) {
	linear := algos.Schedule{Start: 1, End: 0.2, Over: 0.8, Shape: "linear"}
	exponential := algos.Schedule{Start: 1, End: 0.01, Over: 0.5, Shape: "exponential"}
	for _, c := range []struct {
		name     string
		schedule algos.Schedule
		progress float64
		want     float64
	}{
		{"linear starts at start", linear, 0, 1},
		{"linear, a quarter of over", linear, 0.2, 0.8},
		{"linear, half of over", linear, 0.4, 0.6},
		{"linear, at over", linear, 0.8, 0.2},
		{"linear, beyond over", linear, 0.9, 0.2},
		{"linear, at the end", linear, 1, 0.2},
		{"exponential starts at start", exponential, 0, 1},
		{"exponential, half of over", exponential, 0.25, 0.1},
		{"exponential, three quarters of over", exponential, 0.375, math.Pow(10, -1.5)},
		{"exponential, at over", exponential, 0.5, 0.01},
		{"exponential grows, too", algos.Schedule{Start: 1, End: 16, Over: 1, Shape: "exponential"}, 0.25, 2},
		{"exponential to 0 is linear", algos.Schedule{Start: 1, Over: 1, Shape: "exponential"}, 0.25, 0.75},
		{"exponential from 0 is linear", algos.Schedule{End: 1, Over: 1, Shape: "exponential"}, 0.25, 0.25},
		{"over 0 is the end from the start", algos.Schedule{Start: 1, End: 0.3, Shape: "linear"}, 0, 0.3},
		{"over 0, exponential", algos.Schedule{Start: 1, End: 0.3, Shape: "exponential"}, 0, 0.3},
		{"constant", algos.Constant(0.7), 0.123, 0.7},
		{"constant, at the end", algos.Constant(0.7), 1, 0.7},
	} {
		if got := c.schedule.At(c.progress); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// A schedule stays between its ends and moves in one direction.
func TestScheduleIsMonotone(t *testing.T) {
	rng := rand.New(envs.NewPCG(1))
	for range 1000 {
		s := algos.Schedule{Start: rng.Float64(), End: rng.Float64(), Over: rng.Float64(), Shape: "linear"}
		if rng.IntN(2) == 0 {
			s.Shape = "exponential"
		}
		before := s.At(0)
		if s.Over > 0 && before != s.Start {
			t.Fatalf("%+v starts at %v", s, before)
		}
		for k := 1; k <= 50; k++ {
			now := s.At(float64(k) / 50)
			if (now-before)*(s.End-s.Start) < -1e-15 || now < min(s.Start, s.End)-1e-12 || now > max(s.Start, s.End)+1e-12 {
				t.Fatalf("%+v goes from %v to %v at %v", s, before, now, float64(k)/50)
			}
			before = now
		}
		if before != s.End {
			t.Fatalf("%+v ends at %v", s, before)
		}
	}
}
