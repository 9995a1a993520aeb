package algos

import (
	"math"

	"idsrl/envs/settings"
)

// Schedule is a value that changes in the course of training.
type Schedule struct {
	Start float64 `yaml:"start" range:"[0, inf)" usage:"value at the beginning"`
	End   float64 `yaml:"end" range:"[0, inf)" usage:"value from the fraction over of the training on"`
	Over  float64 `yaml:"over" range:"[0, 1]" usage:"fraction of the training over which the value changes"`
	Shape string  `yaml:"shape" choice:"linear|exponential" usage:"how it changes: by equal steps or by equal factors"`
}

// Constant is the schedule of a value that does not change.
func Constant(x float64) Schedule { return Schedule{Start: x, End: x, Over: 1, Shape: "linear"} }

// At is the value when the given fraction of the training is done. An exponential schedule to or from 0 is linear.
func (s Schedule) At(progress float64) float64 {
	if progress >= s.Over {
		return s.End
	}
	f := progress / s.Over
	if s.Shape == "exponential" && s.Start > 0 && s.End > 0 {
		return s.Start * math.Pow(s.End/s.Start, f)
	}
	return s.Start + f*(s.End-s.Start)
}

// RequireAtMost notes a problem with the setting key if its values exceed a bound.
func (s Schedule) RequireAtMost(bound float64, ck *settings.Checks, key string) {
	ck.Require(s.Start <= bound, key+".start", s.Start, "must be at most %v", bound)
	ck.Require(s.End <= bound, key+".end", s.End, "must be at most %v", bound)
}
