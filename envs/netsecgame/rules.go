package netsecgame

import (
	"errors"
	"slices"

	"idsrl/envs"
)

// ErrFull is what [World.Apply] returns when one of the limits is reached. Only a Reset helps.
var ErrFull = errors.New("the world is full; reset the game")

// Limits of what agents can put into a World between two resets.
const (
	MaxLogged = 1 << 20  // entries of all logs, which agents are shown as 80 bytes each
	MaxMadeUp = 1 << 14  // blocked addresses that do not exist
	MaxStored = 64 << 20 // bytes of exfiltrated contents
)

// An Agent is a player's part of a World.
type Agent struct {
	Role           envs.Role
	State          State
	FalsePositives int // how often defenders and benign agents ran into blocks of this agent, in this episode

	goal      knowledge
	unreached bool // whatever the agent knows
}

// GoalReached reports whether the agent knows and controls all that its goal names.
func (a *Agent) GoalReached() bool {
	a.State.refresh()
	return !a.unreached && a.State.contains(&a.goal, a.State.world)
}

// An Ending is what ends an agent's part of an episode.
type Ending uint8

// The endings.
const (
	NoEnding Ending = iota // it goes on
	ByGoal
	ByDetection
	ByStepLimit
)

// Ending returns what ends an agent's part with its last action, the one of so many in the episode. The goal counts first,
// then detection, then the step limit (section 10). detected is asked only if the global defender looks at the action.
func (t *Task) Ending(a *Agent, steps int, detected func() bool) Ending {
	limit := t.Roles[a.Role].MaxSteps
	switch {
	case a.GoalReached():
		return ByGoal
	case t.UseGlobalDefender && detected():
		return ByDetection
	case limit != 0 && steps >= limit:
		return ByStepLimit
	default:
		return NoEnding
	}
}

// Apply plays a move: it changes the world and what the agent knows. A move whose conditions do not hold has no effect
// and is no error; nor has one that fails by the task's SuccessProbability, for which it rolls first. Where blocks stop a
// defender or a benign agent, their authors have a false positive more. The error is ErrFull; then nothing has changed.
func (w *World) Apply(a *Agent, m Move) error {
	if w.isFull(&m) {
		return ErrFull
	}
	s := &a.State
	s.refresh()
	s.freeze()
	if p := w.task.SuccessProbability[m.Type]; p < 1 && w.random.Roll() >= p {
		return nil
	}
	if !s.controlled.has(m.source) {
		return nil
	}
	switch m.Type {
	case ScanNetwork:
		w.scanNetwork(a, &m)
	case FindServices:
		w.findServices(a, &m)
	case FindData:
		w.findData(a, &m)
	case ExploitService:
		w.exploitService(a, &m)
	case ExfiltrateData:
		w.exfiltrateData(a, &m)
	case BlockIP:
		w.blockIP(a, &m)
	}
	return nil
}

// isFull reports whether there may be no room for what m brings.
func (w *World) isFull(m *Move) bool {
	return w.logged+w.existing > MaxLogged || m.Type == BlockIP && len(w.addresses)-w.fixed >= MaxMadeUp ||
		m.content != "" && w.stored+2*len(m.content) > MaxStored // for the world and for the agent
}

func (w *World) scanNetwork(a *Agent, m *Move) {
	b := m.block
	if m.network != none {
		b = w.ranges[m.network]
	}
	for at, ip := range w.numbers {
		if at := int32(at); b.contains(ip) && w.reaches(a, m.source, at) {
			a.State.touch(a.State.hosts.add(at))
			w.log(m, at)
		}
	}
}

func (w *World) findServices(a *Agent, m *Move) {
	if !w.reaches(a, m.source, m.target) {
		return
	}
	w.log(m, m.target)
	s := &a.State
	found := w.remote[m.target]
	if s.controlled.has(m.target) {
		found = w.offered[m.target]
	}
	if found == unknown {
		return
	}
	s.touch(s.services[m.target] != found)
	s.services[m.target] = found
	if s.hosts.add(m.target) {
		s.networks.add(w.networkOf[m.target])
		s.touch(true)
	}
}

func (w *World) findData(a *Agent, m *Move) {
	if !w.reaches(a, m.source, m.target) {
		return
	}
	w.log(m, m.target) // before, so that it is in what is found
	s := &a.State
	if !s.controlled.has(m.target) {
		return
	}
	if !s.files.has(m.target) {
		s.liveData = m.target
	}
	s.touch(s.learn(m.target))
	if len(w.blocks.row(m.target)) > 0 && len(s.blocks.row(m.target)) == 0 {
		s.liveBlocks = m.target
	}
	s.touch(s.learnBlocks(m.target))
}

func (w *World) exploitService(a *Agent, m *Move) {
	if !w.exists(m.target) || !w.reaches(a, m.source, m.target) {
		return
	}
	w.log(m, m.target)
	s := &a.State
	if !w.sets[w.offered[m.target]].has(m.service) || !w.sets[s.services[m.target]].has(m.service) {
		return
	}
	if s.controlled.add(m.target) {
		s.touch(true)
	}
	s.touch(s.networks.add(w.networkOf[m.target]))
}

func (w *World) exfiltrateData(a *Agent, m *Move) {
	s := &a.State
	if !s.controlled.has(m.target) || !w.reaches(a, m.source, m.target) || !s.data.row(m.source).has(m.data) {
		return
	}
	w.log(m, m.target)
	from, to := w.hostOf[m.source], w.hostOf[m.target]
	if !w.files.row(from).has(m.data) {
		return
	}
	s.touch(s.files.add(m.target))
	if s.data.row(m.target).add(m.data) {
		s.contents.put(m.target, m.data, m.size, m.content)
		w.stored += len(m.content)
		s.touch(true)
	}
	if w.files.row(to).add(m.data) {
		w.contents.put(to, m.data, m.size, m.content)
		w.stored += len(m.content)
	}
}

func (w *World) blockIP(a *Agent, m *Move) {
	s := &a.State
	if !s.controlled.has(m.target) || !w.reaches(a, m.source, m.target) {
		return
	}
	w.log(m, m.target)
	blocked := m.blocked
	if blocked == none {
		blocked = intern(&w.addresses, w.addressID, m.madeUp)
	}
	if blocked == m.target {
		return
	}
	for _, p := range [2]pair{{m.target, blocked}, {blocked, m.target}} {
		if w.exists(blocked) {
			w.allowed.row(p.x).remove(p.y)
		}
		w.sign(authorship{p, a})
		w.blocks.add(p)
		s.touch(s.blocks.add(p))
	}
}

func (w *World) exists(at int32) bool { return uint(at) < uint(w.existing) }

// reaches reports whether x reaches y. If not, and the agent is a defender or benign, the authors of the block have a
// false positive more.
func (w *World) reaches(a *Agent, x, y int32) bool {
	if w.exists(x) && w.allowed.row(x).has(y) {
		return true
	}
	if a.Role != envs.Attacker {
		p := pair{x, y}
		i, _ := slices.BinarySearchFunc(w.authors, p, func(by authorship, p pair) int { return by.compare(p) })
		for ; i < len(w.authors) && w.authors[i].pair == p; i++ {
			w.authors[i].agent.FalsePositives++
		}
	}
	return false
}

// sign notes an author, once.
func (w *World) sign(by authorship) {
	i, _ := slices.BinarySearchFunc(w.authors, by.pair, func(o authorship, p pair) int { return o.compare(p) })
	for ; i < len(w.authors) && w.authors[i].pair == by.pair; i++ {
		if w.authors[i].agent == by.agent {
			return
		}
	}
	w.authors = slices.Insert(w.authors, i, by)
}

// log notes a move in the log of an address's host.
func (w *World) log(m *Move, at int32) {
	host := w.hostOf[at]
	w.logs[host] = append(w.logs[host], logEntry{m.source, m.Type})
	w.logged++
}
