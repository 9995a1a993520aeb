package dqn

import (
	"errors"
	"strings"
	"testing"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/envs/settings"
)

func TestAlgorithm(t *testing.T) {
	a := Algorithm()
	if a.Name != "dqn" || a.About == "" || a.Budget.Steps <= 0 || a.Budget.Episodes != 0 || a.Envs < 1 {
		t.Errorf("%+v", a)
	}
	if err := settings.Check(a.Config()); err != nil {
		t.Errorf("defaults: %v", err)
	}
	if a.Config() == a.Config() {
		t.Error("settings are shared")
	}
	for _, f := range settings.Fields(a.Config()) {
		if f.Usage == "" {
			t.Errorf("%s has no usage", f.Key)
		}
	}
}

func TestConfigRanges(t *testing.T) {
	fields := map[string]bool{}
	for _, c := range []struct {
		key       string
		good, bad []string
	}{
		{"hidden", []string{"[]", "[1]", "[64, 32, 4096]"}, []string{"[0]", "[64, 5000]", "[1.5]"}},
		{"activation", []string{"tanh", "relu"}, []string{"ReLU", "sigmoid"}},
		{"backend", []string{"direct", "gorgonia"}, []string{"torch"}},
		{"dueling", []string{"true", "false"}, nil},
		{"scale", []string{"bounds", "none"}, []string{"norm"}},
		{"frames", []string{"1", "1000"}, []string{"0", "1001"}},
		{"learning_rate.start", []string{"0", "1"}, []string{"-1", ".inf", ".nan"}},
		{"learning_rate.end", []string{"0", "1"}, []string{"-1", ".inf"}},
		{"learning_rate.over", []string{"0", "1"}, []string{"-0.1", "1.1"}},
		{"learning_rate.shape", []string{"linear", "exponential"}, []string{"cosine"}},
		{"gamma", []string{"0", "1"}, []string{"-0.1", "1.01", ".nan"}},
		{"epsilon.start", []string{"0", "1"}, []string{"-0.1", "1.1"}},
		{"epsilon.end", []string{"0", "1"}, []string{"-0.1", "2"}},
		{"epsilon.over", []string{"0", "1"}, []string{"-0.1", "1.1"}},
		{"epsilon.shape", []string{"linear", "exponential"}, []string{"steps"}},
		{"explore_repeat", []string{"0", "1"}, []string{"-1", "1.5"}},
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
		{"priority_beta.start", []string{"0", "1"}, []string{"-0.1", "1.1"}},
		{"priority_beta.end", []string{"0", "1"}, []string{"-0.1", "1.1"}},
		{"priority_beta.over", []string{"0", "1"}, []string{"-0.1", "1.1"}},
		{"priority_beta.shape", []string{"linear", "exponential"}, []string{"steps"}},
	} {
		fields[c.key] = true
		for _, v := range c.good {
			if err := settings.Set(Defaults(), []string{c.key + "=" + v}, "--set"); err != nil {
				t.Errorf("%s = %s: %v", c.key, v, err)
			}
		}
		for _, v := range c.bad {
			err := settings.Set(Defaults(), []string{c.key + "=" + v}, "--set")
			if err == nil || !strings.Contains(err.Error(), "--set: "+c.key) || !strings.Contains(err.Error(), "must be") {
				t.Errorf("%s = %s: error %v", c.key, v, err)
			}
		}
	}
	for _, f := range settings.Fields(Defaults()) {
		if !fields[f.Key] {
			t.Errorf("%s is not tested", f.Key)
		}
	}
	for _, v := range []string{"0.005", "1"} {
		if err := settings.Set(Defaults(), []string{"target_every=0", "tau=" + v}, "--set"); err != nil {
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
		cfg := configured(t, "hidden=[8]", "learning_starts=50", "batch_size=8", "replay_size=200")
		if err := settings.Set(cfg, set, "--set"); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"idsgame-v12", "toy-clock-v0"} {
			s := enrol(t, cfg, id, 2, algos.Budget{Steps: 1000}, 1, nil)
			var diverged *algos.DivergedError
			if err := s.Run(t.Context(), 1); err != nil && (!errors.As(err, &diverged) || cfg.LearningRate.Start < 1e30) {
				t.Errorf("%v on %s: %v", set, id, err)
			}
			for seat, l := range s.learners {
				env := must[envs.Env](t)(lookup(t, id).New(1))
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
