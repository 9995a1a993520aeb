package experiments

import (
	"fmt"
	"slices"
)

// A Comparison is a score beside what is published of the same experiment and seed.
type Comparison struct {
	Experiment string
	Score
	Difference  string   // what differs; "" if nothing does
	PublishedBy []string // the programs that made the published runs
}

// Compare compares each score with the published one.
func (o *Outcome) Compare(published []Outcome) (list []Comparison) {
	same := FindOutcome(published, o.Experiment, o.File)
	for _, score := range o.Scores {
		c := Comparison{Experiment: o.Experiment, Score: score, Difference: "nothing is published"}
		if same != nil {
			c.Difference = o.difference(score, same)
			for _, program := range same.Programs {
				c.PublishedBy = append(c.PublishedBy, program.String())
			}
		}
		list = append(list, c)
	}
	return list
}

// difference tells how a score differs from what is published.
func (o *Outcome) difference(score Score, published *Outcome) string {
	if published.Scores == nil {
		return "no scores by seed are published"
	}
	if o.Config != published.Config {
		return fmt.Sprintf("configuration %.8s, published %.8s", o.Config, published.Config)
	}
	at := slices.IndexFunc(published.Scores, func(s Score) bool { return s.Seed == score.Seed })
	if at < 0 {
		return "this seed is not published"
	}
	switch was := published.Scores[at]; {
	case score.Hacked != was.Hacked:
		return fmt.Sprintf("hack probability %v, published %v", score.Hacked, was.Hacked)
	case !slices.Equal(score.Checkpoints, was.Checkpoints):
		return fmt.Sprintf("checkpoint %.8s, published %.8s", score.Checkpoints, was.Checkpoints)
	}
	return ""
}
