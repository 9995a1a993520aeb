package coordinator

import "idsrl/envs/netsecgame"

// A trajectory is one agent's episode: its start state, then each action with its reward and the state after it. Actions
// and states that come again are kept once.
type trajectory struct {
	states  []*netsecgame.State // one more than the others
	played  []*Played
	rewards []float64
	reason  string // why it ended, "" while it has not

	distinct map[Played]*Played
	size     int // in memory, in bytes, about
	length   int // as text, in bytes, about
}

const (
	stepSize     = 24  // bytes that a step takes in memory
	actionSize   = 512 // bytes that an action takes in memory besides its texts, about
	actionLength = 256 // bytes that an action takes as text besides its texts, at most
)

// begin starts a trajectory anew.
func (t *trajectory) begin(s *netsecgame.State) {
	*t = trajectory{states: []*netsecgame.State{s.Snapshot()}, distinct: map[Played]*Played{}}
}

// add notes an action, its reward and the state after it, which takes so many bytes as text.
func (t *trajectory) add(p *Played, reward float64, s *netsecgame.State, length int, reason string) {
	action, ok := t.distinct[*p]
	if !ok {
		clone := *p
		action = &clone
		t.distinct[clone] = action
		t.size += actionSize + p.texts()
	}
	state := s.Snapshot()
	if state != t.states[len(t.states)-1] {
		t.size += length // its numbers are shorter than its names
	}
	t.size += stepSize
	t.length += length + actionLength + p.texts()
	t.states, t.played, t.rewards = append(t.states, state), append(t.played, action), append(t.rewards, reward)
	t.reason = reason
}

// appendJSON appends the trajectory of the agent that cl is.
func (t *trajectory) appendJSON(dst []byte, cl *Client) []byte {
	dst = appendList(append(dst, `{"trajectory":{"states":`...), t.states, appendState)
	dst = appendList(append(dst, `,"actions":`...), t.played, appendAction)
	dst = appendList(append(dst, `,"rewards":`...), t.rewards, appendNumber)
	dst = append(dst, `},"end_reason":`...)
	if t.reason == "" {
		dst = append(dst, "null"...)
	} else {
		dst = appendString(dst, t.reason)
	}
	dst = append(append(append(dst, `,"agent_role":"`...), roleNames[cl.agent.Role]...), `","agent_name":`...)
	return append(appendString(dst, cl.name), '}')
}
