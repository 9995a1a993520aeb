package dqn

import (
	"errors"
	"testing"

	"idsrl/algos"
	"idsrl/algos/algotest"
)

func TestAlgorithm(t *testing.T) { algotest.CheckAlgorithm(t, Algorithm()) }

func TestSettings(t *testing.T) {
	algotest.CheckSettings(t, Algorithm(), algotest.ScheduleValues("learning_rate"), algotest.ExplorationValues(),
		algotest.ScheduleValues("priority_beta", "1.1"), []algotest.Values{
			{"hidden", []string{"[]", "[1]", "[64, 32, 4096]"}, []string{"[0]", "[64, 5000]", "[1.5]"}},
			{"activation", []string{"tanh", "relu"}, []string{"ReLU", "sigmoid"}},
			{"backend", []string{"direct", "gorgonia"}, []string{"torch"}},
			{"dueling", []string{"true", "false"}, nil},
			{"scale", []string{"bounds", "none"}, []string{"norm"}},
			{"frames", []string{"1", "1000"}, []string{"0", "1001"}},
			{"gamma", []string{"0", "1"}, []string{"-0.1", "1.01", ".nan"}},
			{"replay_size", []string{"1", "100000000"}, []string{"0", "100000001", "1.5"}},
			{"learning_starts", []string{"0", "1000000000"}, []string{"-1", "1000000001"}},
			{"train_every", []string{"1", "1000000"}, []string{"0", "1000001"}},
			{"batch_size", []string{"1", "1000000"}, []string{"0", "1000001"}},
			{"n_step", []string{"1", "1000"}, []string{"0", "1001"}},
			{"double", []string{"true", "false"}, nil},
			{"target_every", []string{"1", "1000000000"}, []string{"-1", "0", "1000000001"}},
			{"tau", []string{"0"}, []string{"-0.1", "0.1", "1.1", ".nan"}}, // with target_every
			{"huber", []string{"0", "1e9"}, []string{"-1", ".inf"}},
			{"max_grad_norm", []string{"0", "1e9"}, []string{"-1", ".inf"}},
			{"prioritized", []string{"true", "false"}, nil},
			{"priority_alpha", []string{"0", "1"}, []string{"-0.1", "1.1"}},
		})
	for _, v := range []string{"0.005", "1"} {
		if err := algotest.Set(Defaults(), "target_every=0", "tau="+v); err != nil {
			t.Errorf("tau = %s: %v", v, err)
		}
	}
}

// Whatever the ranges allow trains without trouble, or stops with an error where values diverge.
func TestExtremeSettings(t *testing.T) {
	for _, set := range [][]string{
		{"learning_rate.start=1e30", "learning_rate.end=1e30", "max_grad_norm=0", "huber=0"},
		{"learning_rate.start=1e30", "learning_rate.end=1e30", "prioritized=true", "huber=0"},
		{"learning_rate.start=0", "learning_rate.end=0"},
		{"learning_rate.over=0", "epsilon.over=0", "priority_beta.over=0", "prioritized=true"},
		{"gamma=1", "n_step=1000"}, {"gamma=0", "n_step=7"},
		{"epsilon.start=0", "epsilon.end=0"}, {"epsilon.start=1", "epsilon.end=1", "explore_repeat=1"},
		{"replay_size=1", "learning_starts=0", "batch_size=1"}, {"replay_size=1", "prioritized=true", "priority_alpha=0"},
		{"hidden=[]", "learning_starts=0", "train_every=1000"}, {"hidden=[1]", "dueling=true"},
		{"target_every=1"}, {"target_every=0", "tau=1"}, {"learning_starts=1000000000"},
	} {
		v := defaults.With("hidden=[8]", "learning_starts=50", "batch_size=8", "replay_size=200").With(set...)
		for _, id := range []string{"idsgame-v12", "toy-clock-v0"} {
			setup := algotest.Setup{ID: id, N: 2, Budget: algos.Budget{Steps: 1000}}
			r := v.Open(t, setup, 1)
			var diverged *algos.DivergedError
			if err := r.Run(t.Context(), 1); err != nil && (!errors.As(err, &diverged) || v.Settings(t).(*Config).LearningRate.Start < 1e30) {
				t.Errorf("%v on %s: %v", set, id, err)
			}
			for seat, l := range r.Learners {
				env := setup.NewEnv()
				if err := env.Reset(1); err != nil {
					t.Fatal(err)
				}
				if a := l.Policy(algos.Greedy).Act(env, seat, nil); a < 0 || a >= l.actions {
					t.Errorf("%v on %s: plays %d", set, id, a)
				}
			}
		}
	}
}
