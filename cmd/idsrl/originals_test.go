package main

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"idsrl/envs"
	"idsrl/envs/settings"
	"idsrl/experiments"
)

// Every original.yaml has the original's hyperparameters.
func TestOriginalHyperparameters(t *testing.T) {
	tree, list := published(t, experiments.OriginalFile)
	tree.Quick = false
	originals := readOriginals(t, tree)
	for _, e := range list {
		o, ok := originals[e.Name]
		if !ok {
			t.Errorf("%s is not in the table", e.Name)
			continue
		}
		delete(originals, e.Name)
		is, err := e.Config()
		want, wrong := tree.Catalog.Load(o.sources(t))
		if err = errors.Join(err, wrong); err != nil {
			t.Errorf("%s:\n%v", e.Name, err)
			continue
		}
		if has, should := string(is.Encode()), string(want.Encode()); has != should {
			t.Errorf("%s:\n%s", e.Name, changed(has, should))
		}
	}
	for name := range originals {
		t.Errorf("%s has no %s", name, experiments.OriginalFile)
	}
}

// What is marked as a repetition has the hyperparameters of what it repeats, and nothing else has.
func TestOriginalRepetitions(t *testing.T) {
	tree, list := published(t, experiments.OriginalFile)
	notes, err := tree.Originals()
	if err != nil {
		t.Fatal(err)
	}
	originals, first := readOriginals(t, tree), map[string]string{}
	for _, e := range list {
		all := fmt.Sprint(originals[e.Name])
		if marked := notes[e.Name].SameAs; marked != first[all] {
			t.Errorf("%s is marked the same as %q, by its hyperparameters it is as %q", e.Name, marked, first[all])
		}
		first[all] = cmp.Or(first[all], e.Name)
	}
}

// readOriginals reads the hyperparameters of the original's experiments, by their names. The first row has the defaults.
func readOriginals(t *testing.T, tree *experiments.Tree) map[string]original {
	t.Helper()
	rows := readRows(t, readFile(t, filepath.Join(tree.Dir, "testdata", "originals.csv")))
	originals := map[string]original{}
	for _, row := range rows[1:] {
		o := original{}
		for field, value := range row {
			o[field] = cmp.Or(value, rows[0][field])
		}
		delete(o, "experiment")
		originals[row["experiment"]] = o
	}
	return originals
}

// changed is the lines that only one of two texts has.
func changed(has, should string) string {
	var b strings.Builder
	only := func(what, in, notIn string) {
		for line := range strings.Lines(in) {
			if !strings.Contains("\n"+notIn, "\n"+line) {
				b.WriteString(what + line)
			}
		}
	}
	only("has    ", has, should)
	only("should ", should, has)
	return b.String()
}

// original is the hyperparameters of an experiment of the Python original, by its names for them: those that have a
// counterpart here, see experiments/README.md.
type original map[string]string

// is reports whether a field is true.
func (o original) is(field string) bool { return o[field] == "true" }

// number is a field that is one, 0 without it.
func (o original) number(field string) float64 {
	x, err := strconv.ParseFloat(cmp.Or(o[field], "0"), 64)
	if err != nil {
		panic(err)
	}
	return x
}

// whole is a field that is a whole number.
func (o original) whole(field string) int { return int(o.number(field)) }

// sources is the experiment in our terms.
func (o original) sources(t *testing.T) experiments.Sources {
	t.Helper()
	var algo string
	var run, learners []string
	switch o["agent"] {
	case "tabular_q":
		algo, run, learners = "tabular-q", o.assign("episodes=num_episodes"), o.tabularQ()
	case "dqn":
		algo, run, learners = "dqn", o.assign("episodes=num_episodes"), o.dqn()
	case "reinforce", "actor_critic":
		algo, run, learners = "reinforce", o.inBatches(), o.reinforce()
	case "ppo":
		algo, run, learners = "ppo", o.inBatches(), o.ownPPO()
	case "ppo_openai":
		algo, run, learners = "ppo", append(o.assign("steps=num_episodes"), "envs=1"), o.ppo()
	}
	from := experiments.Sources{Env: o["env_id"], Players: map[envs.Role]string{}, Set: append(run, learners...)}
	entry, err := catalog().Envs.Lookup(from.Env)
	if err != nil {
		t.Fatal(err)
	}
	for seat, role := range experiments.Roles {
		if entry.Open(seat) {
			from.Players[role] = algo
			from.Set = append(from.Set, o.learningRate(role)...)
		}
	}
	if encoding := o.observation(t, entry); encoding != "own" {
		from.EnvSet = append(from.EnvSet, "observation="+encoding)
	}
	if o.is("normalize_features") {
		from.EnvSet = append(from.EnvSet, "normalize_features=true")
	}
	if o["alternating_period"] != "" {
		from.Set = append(from.Set, o.selfPlay()...)
	}
	return from
}

// assign gives fields to settings of the same meaning: setting=field, and to both ends of a schedule that is constant:
// setting*=field.
func (o original) assign(pairs ...string) (list []string) {
	for _, pair := range pairs {
		key, field, _ := strings.Cut(pair, "=")
		if schedule, ok := strings.CutSuffix(key, "*"); ok {
			list = append(list, schedule+".start="+o[field])
			key = schedule + ".end"
		}
		list = append(list, key+"="+o[field])
	}
	return list
}

// falling is the schedule of a value that is multiplied by rate n times, or until it is least.
func falling(key string, start, rate, least float64, n int) []string {
	over, end := 1.0, start*math.Pow(rate, float64(n))
	if end < least {
		over, end = math.Log(least/start)/math.Log(rate)/float64(n), least
	}
	return []string{
		fmt.Sprintf("%s.start=%v", key, start), fmt.Sprintf("%s.end=%.4g", key, end), fmt.Sprintf("%s.over=%.4g", key, over),
		key + ".shape=exponential",
	}
}

// learningRate is that of a role.
func (o original) learningRate(role envs.Role) []string {
	rate := "alpha_" + role.String()
	switch key := role.String() + ".learning_rate"; {
	case o["agent"] == "tabular_q":
		return nil
	case o["agent"] == "dqn":
		return falling(key, o.number("alpha"), o.number("lr_decay_rate"), tiny, o.whole("num_episodes"))
	case o["lr_decay_rate"] != "":
		return falling(key, o.number(rate), o.number("lr_decay_rate"), tiny, o.whole("num_episodes"))
	case o.is("lr_progress_decay") && role == envs.Attacker:
		return append(o.assign(key+".start="+rate), key+".end=0") // a power of 4 in the original
	default:
		return o.assign(key + "*=" + rate)
	}
}

// tiny is a learning rate that changes no weight. An exponential schedule does not reach 0.
const tiny = 1e-300

// exploration is an ε that falls after each episode.
func (o original) exploration() []string {
	return append(falling("epsilon", o.number("epsilon"), o.number("epsilon_decay"), o.number("min_epsilon"),
		o.whole("num_episodes")), "explore_at=step", "explore_repeat=0")
}

func (o original) tabularQ() []string {
	list := append(o.assign("alpha*=alpha", "gamma=gamma"), "omega=0")
	if o.is("tab_full_state_space") {
		list = append(list, "state=full")
	}
	return append(list, o.exploration()...)
}

func (o original) dqn() []string {
	const updates = 5 // of an episode, which is about as long
	return slices.Concat(o.exploration(), o.hidden("hidden", o.whole("num_hidden_layers")+1), o.assign("gamma=gamma",
		"replay_size=replay_memory_size", "learning_starts=replay_start_size", "batch_size=batch_size",
	), []string{
		fmt.Sprintf("target_every=%d", updates*o.whole("target_network_update_freq")),
		"activation=relu", "scale=none", "train_every=1", "n_step=1", "double=false", "max_grad_norm=0",
	})
}

// inBatches is the budget of agents that learn from batches of episodes.
func (o original) inBatches() []string {
	return []string{fmt.Sprintf("episodes=%d", o.whole("num_episodes")*o.whole("batch_size"))}
}

func (o original) reinforce() []string {
	baseline := []string{"baseline=batch"}
	if o["agent"] == "actor_critic" {
		baseline = []string{"baseline=value", "value_coef=1", "network.shared=true"}
	}
	return slices.Concat(baseline, o.network(o.whole("num_hidden_layers")+1), o.assign("episodes_per_update=batch_size"),
		[]string{"whiten=true", "entropy_coef.start=0", "max_grad_norm=0"})
}

func (o original) ownPPO() []string {
	return slices.Concat(o.network(o.whole("num_hidden_layers")+1), o.assign(
		"epochs=optimization_iterations", "clip_coef=eps_clip",
	), []string{"network.shared=true", "lambda=1", "entropy_coef.start=0.01", "entropy_coef.end=0.01", "max_grad_norm=0"})
}

func (o original) ppo() []string {
	trunk, minibatch := o.whole("num_hidden_layers"), "mini_batch_size"
	tower := slices.Repeat([]int{o.whole("pi_hidden_dim")}, o.whole("pi_hidden_layers"))
	list := []string{"network.shared=true"}
	if o.is("lstm_core") { // in the trunk's place
		list = append(list, o.assign("network.lstm=lstm_hidden_dim")...)
		trunk, minibatch = 0, "batch_size" // whole sequences
	}
	if o.is("ar_policy") {
		list = append(list, "network.policy=autoregressive")
	}
	return slices.Concat(list, o.network(trunk, tower...), o.assign("horizon=batch_size", "epochs=optimization_iterations",
		"minibatch="+minibatch, "clip_coef=eps_clip", "lambda=gae_lambda", "entropy_coef*=ent_coef", "value_coef=vf_coef",
		"max_grad_norm=max_gradient_norm"))
}

// network is what all agents with policies have, on n layers of the same width and others.
func (o original) network(n int, more ...int) []string {
	return slices.Concat(o.hidden("network.hidden", n, more...), o.assign("network.frames=state_length", "gamma=gamma"),
		[]string{"network.activation=relu", "network.scale=none", "scale_rewards=false"})
}

// hidden is n layers of the same width and others.
func (o original) hidden(key string, n int, more ...int) []string {
	widths := append(slices.Repeat([]int{o.whole("hidden_dim")}, n), more...)
	return []string{key + "=" + strings.ReplaceAll(fmt.Sprint(widths), " ", ", ")}
}

// observation is the encoding that the original names, or whose length its networks have.
func (o original) observation(t *testing.T, entry envs.Entry) string {
	t.Helper()
	if o.is("merged_ad_features") {
		return "merged"
	}
	for _, encoding := range []string{"own", "joint", "merged"} {
		game := entry.Game()
		if settings.Load(game, settings.Assign("", []string{"observation=" + encoding})) != nil {
			continue // the game has no such encoding
		}
		env, err := game.New(0)
		if err != nil {
			t.Fatal(err)
		}
		if env.Spec().Seats[0].Obs.Len()*o.whole("state_length") == o.whole("input_dim_attacker") {
			return encoding
		}
	}
	return "own"
}

// selfPlay has periods in updates of the learner. The original's are in batches of episodes or rounds of steps.
func (o original) selfPlay() []string {
	updates := 1
	if o["agent"] == "ppo_openai" {
		updates = o.whole("optimization_iterations") * (o.whole("batch_size") / o.whole("mini_batch_size"))
	}
	list := append(o.assign("self_play.pool.probability=pool_prob", "self_play.pool.size=pool_maxsize"),
		"self_play.schedule=alternating",
		fmt.Sprintf("self_play.period_updates=%d", updates*o.whole("alternating_period")),
		fmt.Sprintf("self_play.pool.increment_updates=%d", updates*o.whole("pool_increment_period")))
	if o.is("quality_scores") {
		list = append(list, "self_play.pool.sampling=quality")
		list = append(list, o.assign("self_play.pool.quality_eta=quality_score_eta",
			"self_play.pool.initial_quality=initial_quality")...)
	}
	if o.is("baselines_in_pool") {
		list = append(list, "self_play.pool.bots=true")
	}
	return list
}
