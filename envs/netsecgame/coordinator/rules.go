package coordinator

import (
	"crypto/subtle"
	"fmt"
	"slices"

	"idsrl/envs"
	"idsrl/envs/netsecgame"
)

// join makes an agent of a client (section 5).
func (c *Coordinator) join(cl *Client, r *Request) {
	switch {
	case cl.agent != nil:
		c.send(cl, append(appendStatus(cl.head(), "BAD_REQUEST"), `,"message":"Agent already exists."`...))
		return
	case r.Role == envs.Nobody:
		c.refuse(cl, "Bad request received: JoinGame needs agent_info")
		return
	case c.task.Roles[r.Role] == nil:
		c.refuse(cl, "Bad request received: the task has no "+roleNames[r.Role])
		return
	case subtle.ConstantTimeCompare([]byte(r.Token), []byte(c.opts.Tokens[r.Role])) == 0 && c.opts.Tokens[r.Role] != "":
		c.refuse(cl, "Bad request received: this is not the token of role "+roleNames[r.Role])
		return
	}
	c.joined++
	if cl.name = cleanName(r.Name); cl.name == "" {
		cl.name = fmt.Sprintf("agent_%08x", c.joined)
	}
	cl.agent = c.world.NewAgent(r.Role)
	c.agents = append(c.agents, cl)
	c.begin(cl)
	cl.waits = toStart
	c.started = c.started || c.enough()
	c.start()
}

// enough reports whether there are the attackers that a game requires.
func (c *Coordinator) enough() bool {
	n := 0
	for _, cl := range c.agents {
		if cl.status == playingWithTimeout || !c.opts.Compat.JoinStarts && cl.agent.Role == envs.Attacker {
			n++
		}
	}
	return n >= c.task.RequiredPlayers
}

// begin starts an agent's episode. Its start position and goal have been drawn.
func (c *Coordinator) begin(cl *Client) {
	cl.status = playing
	if cl.agent.Role == envs.Attacker {
		cl.status = playingWithTimeout
	}
	cl.ended, cl.steps, cl.reward = false, 0, 0
	cl.history.Reset()
	cl.episode.begin(&cl.agent.State)
}

// start answers those who wait for enough players, if there are enough.
func (c *Coordinator) start() {
	if !c.started {
		return
	}
	for _, cl := range c.agents {
		switch cl.waits {
		case toStart:
			c.welcome(cl)
		case toRestart:
			c.restarted(cl)
		}
	}
}

// act plays an action (section 6).
func (c *Coordinator) act(cl *Client, p *Played) {
	if cl.ended {
		c.forbid(cl)
		return
	}
	move, err := c.world.Compile(p.Action)
	if err == nil && cl.episode.size >= c.opts.MaxTrajectory {
		err = fmt.Errorf("this episode takes %d bytes, which is the limit; reset the game", cl.episode.size)
	}
	if err == nil {
		err = c.world.Apply(cl.agent, move)
	}
	if err != nil {
		c.refuse(cl, "Bad request received: "+err.Error())
		return
	}
	cl.steps++
	cl.played = *p
	detected := func() bool { return cl.history.Detects(p.Type, *p, c.opts.Randomness) }
	switch c.task.Ending(cl.agent, cl.steps, detected) {
	case netsecgame.ByGoal:
		cl.status = success
	case netsecgame.ByDetection:
		cl.status = fail
	case netsecgame.ByStepLimit:
		cl.status = timeoutReached
	}
	cl.reward = c.task.Rewards.Step
	cl.ended = cl.status.final() || !c.attacked()
	if !cl.ended {
		c.observed(cl)
		return
	}
	cl.waits = toEnd
	c.settle()
}

// attacked reports whether an attacker plays.
func (c *Coordinator) attacked() bool {
	return slices.ContainsFunc(c.agents, func(cl *Client) bool {
		return cl.status == playingWithTimeout && !c.over(cl)
	})
}

// over reports whether others need not wait for the end of the agent's episode.
func (c *Coordinator) over(cl *Client) bool {
	return cl.ended || cl.wished && !c.opts.Compat.ResetDeadlock
}

// settle hands out the rewards of the end if the episode is over for all agents, and answers those who wait for that
// (section 11).
func (c *Coordinator) settle() {
	won := false // by an attacker
	for _, cl := range c.agents {
		if !c.over(cl) {
			return
		}
		won = won || cl.agent.Role == envs.Attacker && cl.status == success
	}
	for _, cl := range c.agents {
		if cl.agent.Role == envs.Defender {
			if cl.status = success; won {
				cl.status = fail
			}
		}
		cl.reward = c.task.Rewards.Final(cl.reward, cl.agent, cl.status == success)
	}
	for _, cl := range c.agents {
		if cl.waits == toEnd {
			c.observed(cl)
		}
	}
}

// ask notes an agent's wish to reset the game.
func (c *Coordinator) ask(cl *Client, w Wish) {
	if w.Seeded && (w.Seed < 0 || w.Seed > maxSeed) {
		c.refuse(cl, fmt.Sprintf("Bad request received: seed must be in [0, %d]", maxSeed))
		return
	}
	if w.Trajectory && cl.episode.length > c.opts.MaxTrajectory {
		c.refuse(cl, "Bad request received: the trajectory is too long; reset without request_trajectory")
		return
	}
	cl.waits, cl.wished, cl.wish = toReset, true, w
	if slices.ContainsFunc(c.agents, func(cl *Client) bool { return cl.waits == toEnd }) {
		c.settle()
	}
	c.reset()
}

// maxSeed is the largest seed that the original's generators take.
const maxSeed = 1<<32 - 1

// The conflicts that wishes to reset can have.
const (
	seedConflict     = "Agents disagree on the seed. Undefined state. Stopping the game"
	topologyConflict = "Agents disagree on the topology change. Undefined state. Stopping the game"
)

// reset resets the game once all agents wish it (section 13). Only those who name a seed have a say in what it does.
func (c *Coordinator) reset() {
	var first *Wish // that names a seed
	conflict := ""
	for _, cl := range c.agents {
		switch w := &cl.wish; {
		case !cl.wished:
			return
		case !w.Seeded:
		case first == nil:
			first = w
		case w.Seed != first.Seed:
			conflict = seedConflict
		case w.Renumber != first.Renumber && conflict == "":
			conflict = topologyConflict
		}
	}
	if conflict != "" {
		c.stopped = c.opts.Compat.ConflictStops
		for _, cl := range c.agents {
			cl.wished = false
			c.refuse(cl, conflict)
		}
		return
	}
	for _, cl := range c.agents { // while the states still have their names
		c.remember(cl)
	}
	renumber := false
	if first != nil {
		c.opts.Randomness.Seed(uint64(first.Seed))
		renumber = first.Renumber && c.task.UseDynamicAddresses && !c.opts.Whitebox
	}
	c.world.Reset(renumber)
	for _, cl := range c.agents {
		c.world.Begin(cl.agent)
		c.begin(cl)
		cl.waits, cl.wished = toRestart, false
	}
	c.start()
}

// remember writes the trajectory of an episode that ends, for those who want it.
func (c *Coordinator) remember(cl *Client) {
	cl.before = nil
	if cl.episode.length <= c.opts.MaxTrajectory && (cl.wish.Trajectory || c.opts.Save != nil) {
		cl.before = cl.episode.appendJSON(nil, cl)
	}
	if c.opts.Save != nil {
		c.opts.Save(&Episode{Name: cl.name, Role: roleNames[cl.agent.Role], Text: cl.before})
	}
}

// leave takes a client away (section 5).
func (c *Coordinator) leave(cl *Client) {
	c.clients--
	i := slices.Index(c.agents, cl)
	if i < 0 {
		return
	}
	c.agents = slices.Delete(c.agents, i, i+1)
	c.started = c.started && !c.opts.Compat.JoinStarts && c.enough()
	if len(c.agents) == 0 {
		return
	}
	c.reset()
	c.settle()
}
