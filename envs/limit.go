package envs

// Limit cuts the episodes of env after the given number of steps: the outcome of the last one is Truncated, unless the
// game ends there by itself. With 0 steps there is no limit but that of env; fewer panic.
func Limit(env Env, steps int) Env {
	if steps < 0 {
		panic("envs: a negative limit")
	}
	if steps == 0 {
		return env
	}
	spec := *env.Spec()
	if spec.MaxSteps == 0 || steps < spec.MaxSteps {
		spec.MaxSteps = steps
	}
	return &limited{Env: env, spec: spec, steps: steps}
}

type limited struct {
	Env
	spec        Spec
	steps, done int
}

func (l *limited) Spec() *Spec { return &l.spec }

func (l *limited) Unwrap() Env { return l.Env }

func (l *limited) Reset(seed uint64) error {
	l.done = 0
	return l.Env.Reset(seed)
}

func (l *limited) Step(actions []int, out *Outcome) error {
	if l.done >= l.steps {
		panic("envs: Step after the end of the episode")
	}
	if err := l.Env.Step(actions, out); err != nil {
		return err
	}
	l.done++
	if l.done == l.steps && !out.Terminated {
		out.Truncated = true
	}
	return nil
}
