package envs

import (
	"encoding/json"
	"errors"
	"fmt"
)

// View says what of a seat a Vec keeps up to date in the seat's Batch. What is not asked for costs nothing.
type View struct {
	Obs   bool                        // Batch.Obs and Last
	Legal bool                        // Batch.Legal and LastLegal
	Row   func(env Env, seat int) int // Batch.Row and LastRow: what the seat sees, as the row of a table
}

// Batch is one seat's view of all N environments of a Vec. Its slices belong to the Vec; a network reads them without a
// copy. Where the last step ended an episode, Last, LastLegal and LastRow show its final state, and Obs, Legal and Row
// the first of the next episode; elsewhere the Last slices are stale.
type Batch struct {
	N, ObsLen, Actions    int
	Obs, Last             []float32 // [N x ObsLen]
	Legal, LastLegal      []bool    // [N x Actions]
	Row, LastRow          []int     // [N]
	First                 []bool    // [N], whether Obs, Legal and Row are the first of an episode
	Reward                []float64 // [N], of the last step
	Terminated, Truncated []bool    // [N], whether the last step ended an episode, and how
}

// Episode is a finished episode. Returns are undiscounted, by seat of the whole game, also where bots play some.
type Episode struct {
	Env       int    // which environment of the Vec
	Index     uint64 // which episode of that environment, from 0
	Seed      uint64 // what Reset was given
	Length    int    // steps
	Returns   []float64
	Winner    Role
	Truncated bool
}

// Vec steps N copies of an environment in turn and starts a new episode where one ends. Episode k of environment i has
// the seed Derive(root, "episode", i<<40|k): its course does not depend on N or on the other environments.
type Vec struct {
	root     uint64
	envs     []Env
	views    []View
	batches  []Batch
	slots    []slot
	actions  []int
	out      *Outcome
	finished []Episode
}

// slot is the running episode of one environment.
type slot struct {
	match   *Match // nil where no bot plays
	episode Episode
	spare   []float64 // the other Returns: one belongs to the running episode, one to the finished
	actions []int32   // of the open seats, step by step: with the seed, all that it takes to restore the episode
}

// NewVec resets all es, which must have the same Spec, and keeps views[s] of seat s up to date.
func NewVec(root uint64, es []Env, views []View) (*Vec, error) {
	spec := es[0].Spec()
	v := &Vec{
		root: root, envs: es, views: views,
		batches: make([]Batch, len(spec.Seats)),
		slots:   make([]slot, len(es)),
		actions: make([]int, len(spec.Seats)),
		out:     spec.NewOutcome(),
	}
	for s, seat := range spec.Seats {
		b := &v.batches[s]
		n := len(es)
		*b = Batch{
			N: n, ObsLen: seat.Obs.Len(), Actions: seat.Actions.N,
			Reward: make([]float64, n), Terminated: make([]bool, n), Truncated: make([]bool, n),
			First: make([]bool, n),
		}
		if views[s].Obs {
			b.Obs, b.Last = make([]float32, n*b.ObsLen), make([]float32, n*b.ObsLen)
		}
		if views[s].Legal {
			b.Legal, b.LastLegal = make([]bool, n*b.Actions), make([]bool, n*b.Actions)
		}
		if views[s].Row != nil {
			b.Row, b.LastRow = make([]int, n), make([]int, n)
		}
	}
	v.finished = make([]Episode, 0, len(es))
	for i, env := range es {
		sl := &v.slots[i]
		sl.match, _ = As[*Match](env)
		seats := len(spec.Seats)
		if sl.match != nil {
			seats = len(sl.match.Joint().Rewards)
		}
		sl.episode, sl.spare = Episode{Env: i, Returns: make([]float64, seats)}, make([]float64, seats)
		sl.actions = make([]int32, 0, spec.MaxSteps*len(spec.Seats))
		if err := v.start(i, 0); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// Batch is the view of one seat. It stays valid for the life of the Vec.
func (v *Vec) Batch(seat int) *Batch { return &v.batches[seat] }

// Spec is the Spec of every environment.
func (v *Vec) Spec() *Spec { return v.envs[0].Spec() }

// Finished are the episodes that the last step ended. The slice and the Returns in it belong to the Vec, until the
// next step.
func (v *Vec) Finished() []Episode { return v.finished }

// Step plays actions[s][i] for seat s of environment i.
func (v *Vec) Step(actions ...[]int) error {
	v.finished = v.finished[:0]
	for i, env := range v.envs {
		sl := &v.slots[i]
		for s := range v.actions {
			v.actions[s] = actions[s][i]
		}
		if err := v.play(sl, env); err != nil {
			return err
		}
		over := v.out.Over()
		for s := range v.batches {
			b := &v.batches[s]
			b.Reward[i], b.Terminated[i], b.Truncated[i] = v.out.Rewards[s], v.out.Terminated, v.out.Truncated
			if over {
				v.show(s, i, b.Last, b.LastLegal, b.LastRow)
			}
		}
		if over {
			e := sl.episode
			e.Winner, e.Truncated = v.out.Winner, v.out.Truncated
			v.finished = append(v.finished, e)
			sl.episode.Returns, sl.spare = sl.spare, sl.episode.Returns
			if err := v.start(i, e.Index+1); err != nil {
				return err
			}
			continue
		}
		v.present(i)
	}
	return nil
}

// play is one step of the running episode with v.actions.
func (v *Vec) play(sl *slot, env Env) error {
	for _, a := range v.actions {
		sl.actions = append(sl.actions, int32(a))
	}
	if err := env.Step(v.actions, v.out); err != nil {
		return fmt.Errorf("environment %d, episode %d: %w", sl.episode.Env, sl.episode.Index, err)
	}
	rewards := v.out.Rewards
	if sl.match != nil {
		rewards = sl.match.Joint().Rewards
	}
	for s, r := range rewards {
		sl.episode.Returns[s] += r
	}
	sl.episode.Length++
	return nil
}

// start begins episode k of environment i.
func (v *Vec) start(i int, k uint64) error {
	sl := &v.slots[i]
	e := &sl.episode
	e.Index, e.Seed, e.Length = k, Derive(v.root, "episode", uint64(i)<<40|k), 0
	clear(e.Returns)
	sl.actions = sl.actions[:0]
	if err := v.envs[i].Reset(e.Seed); err != nil {
		return fmt.Errorf("environment %d, episode %d: %w", i, k, err)
	}
	v.present(i)
	return nil
}

// present shows every seat what environment i has come to.
func (v *Vec) present(i int) {
	for s := range v.batches {
		b := &v.batches[s]
		b.First[i] = v.slots[i].episode.Length == 0
		v.show(s, i, b.Obs, b.Legal, b.Row)
	}
}

// show writes what seat s of environment i sees into row i of the slices that its View asks for.
func (v *Vec) show(s, i int, obs []float32, legal []bool, row []int) {
	b, view, env := &v.batches[s], &v.views[s], v.envs[i]
	if view.Obs {
		env.Observe(s, obs[i*b.ObsLen:(i+1)*b.ObsLen])
	}
	if view.Legal {
		env.Legal(s, legal[i*b.Actions:(i+1)*b.Actions])
	}
	if view.Row != nil {
		row[i] = view.Row(env, s)
	}
}

// running is a slot as saved: the episode follows from its index and the actions so far.
type running struct {
	Episode uint64  `json:"episode"`
	Actions []int32 `json:"actions"`
}

// errNoSeats is why a Vec without open seats cannot be saved: it has no actions to play again.
var errNoSeats = errors.New("envs: the position of a Vec without open seats cannot be saved")

// MarshalJSON saves where every environment stands. It is for a Vec with open seats.
func (v *Vec) MarshalJSON() ([]byte, error) {
	if len(v.batches) == 0 {
		return nil, errNoSeats
	}
	at := make([]running, len(v.slots))
	for i := range v.slots {
		at[i] = running{Episode: v.slots[i].episode.Index, Actions: v.slots[i].actions}
	}
	return json.Marshal(at)
}

// UnmarshalJSON restores what MarshalJSON saved by playing the running episodes again. The Vec must be built as the
// saved one was; after an error it must not be stepped. There has been no last step then: rewards are 0 and nothing has
// finished. It is for environments in process: a game behind a connection starts new episodes.
func (v *Vec) UnmarshalJSON(data []byte) error {
	var at []running
	if err := json.Unmarshal(data, &at); err != nil {
		return err
	}
	if len(at) != len(v.slots) {
		return fmt.Errorf("envs: state of %d environments, not %d", len(at), len(v.slots))
	}
	seats := v.Spec().Seats
	if len(seats) == 0 {
		return errNoSeats
	}
	v.finished = v.finished[:0]
	for s := range v.batches {
		b := &v.batches[s]
		clear(b.Reward)
		clear(b.Terminated)
		clear(b.Truncated)
	}
	for i, env := range v.envs {
		if err := v.start(i, at[i].Episode); err != nil {
			return err
		}
		if len(at[i].Actions)%len(seats) != 0 {
			return fmt.Errorf("envs: environment %d: %d actions for %d seats", i, len(at[i].Actions), len(seats))
		}
		for t := 0; t < len(at[i].Actions); t += len(seats) {
			for s := range seats {
				a := int(at[i].Actions[t+s])
				if a < 0 || a >= seats[s].Actions.N {
					return fmt.Errorf("envs: environment %d: action %d outside the space", i, a)
				}
				v.actions[s] = a
			}
			if err := v.play(&v.slots[i], env); err != nil {
				return err
			}
			if v.out.Over() {
				return fmt.Errorf("envs: environment %d: the saved episode is over after %d steps", i, t/len(seats)+1)
			}
		}
		v.present(i)
	}
	return nil
}
