package coordinator

import (
	"bytes"
	"strconv"

	"idsrl/envs/netsecgame"
)

// endMark follows every reply. Clients look for it anywhere in what they read.
const endMark = "EOF"

// maxKept is how large a buffer may be that is kept for the next reply.
const maxKept = 1 << 20

// head begins a reply. Its members come in the order of section 4.
func (cl *Client) head() []byte {
	b := cl.text[:0]
	if cap(b) > maxKept {
		b = nil
	}
	return append(append(b, `{"to_agent":`...), cl.address...)
}

func appendStatus(b []byte, status string) []byte {
	return append(append(append(b, `,"status":"GameStatus.`...), status...), '"')
}

// send ends a reply and notes that it goes out. The mark inside a string is written with an escape.
func (c *Coordinator) send(cl *Client, b []byte) {
	b = append(b, '}')
	if bytes.Contains(b, []byte(endMark)) {
		b = bytes.ReplaceAll(b, []byte(endMark), []byte(`E\u004fF`))
	}
	b = append(b, endMark...)
	cl.text = b
	if cap(cl.view) > maxKept {
		cl.view = nil
	}
	cl.waits = forNothing
	c.replies = append(c.replies, Reply{To: cl, Text: cl.text})
}

// refuse answers a bad request.
func (c *Coordinator) refuse(cl *Client, reason string) {
	b := append(appendStatus(cl.head(), "BAD_REQUEST"), `,"observation":null,"message":{"message":`...)
	c.send(cl, append(appendString(b, reason), '}'))
}

// observation appends what the agent sees, with the text of an object as info.
func (cl *Client) observation(b []byte, info string) []byte {
	if v := cl.agent.State.Version(); v != cl.version || len(cl.view) == 0 {
		cl.version, cl.view = v, appendState(cl.view[:0], &cl.agent.State)
	}
	b = append(append(b, `,"observation":{"state":`...), cl.view...)
	b = appendNumber(append(b, `,"reward":`...), cl.reward)
	b = strconv.AppendBool(append(b, `,"end":`...), cl.ended)
	return append(append(append(b, `,"info":`...), info...), '}')
}

// observed answers an action and notes it in the trajectory.
func (c *Coordinator) observed(cl *Client) {
	info, reason := "{}", ""
	if cl.status.final() {
		reason = cl.status.String()
		info = `{"end_reason":"` + reason + `"}`
	}
	b := appendStatus(cl.observation(cl.head(), info), "OK")
	cl.episode.add(&cl.played, cl.reward, &cl.agent.State, len(cl.view), reason)
	c.send(cl, b)
}

// forbid answers an action after the end.
func (c *Coordinator) forbid(cl *Client) {
	info := `{"end_reason":"` + cl.status.String() +
		`","info":"Episode ended. Request reset for starting new episode."}`
	c.send(cl, appendStatus(cl.observation(cl.head(), info), "FORBIDDEN"))
}

// actionList is the names of all that can be asked for.
const actionList = `["ActionType.ScanNetwork","ActionType.FindServices","ActionType.FindData",` +
	`"ActionType.ExploitService","ActionType.ExfiltrateData","ActionType.BlockIP","ActionType.JoinGame",` +
	`"ActionType.QuitGame","ActionType.ResetGame"]`

// welcome answers a join.
func (c *Coordinator) welcome(cl *Client) {
	b := cl.observation(appendStatus(cl.head(), "CREATED"), "{}")
	b = append(b, `,"message":{"message":`...)
	b = appendString(b, "Welcome "+cl.name+", registred as AgentRole."+roleNames[cl.agent.Role])
	b = append(append(c.terms(b, cl), `,"actions":`+actionList...), c.hash...)
	if c.opts.Whitebox { // a megabyte, which is not kept
		list := appendList(nil, c.world.AllActions(), func(dst []byte, a netsecgame.Action) []byte {
			return appendAction(dst, &Played{Action: a})
		})
		b = appendString(append(b, `,"all_actions":`...), string(list))
	}
	c.send(cl, append(b, '}'))
}

// restarted answers a wish to reset.
func (c *Coordinator) restarted(cl *Client) {
	b := cl.observation(appendStatus(cl.head(), "RESET_DONE"), "{}")
	b = append(b, `,"message":{"message":"Resetting Game and starting again."`...)
	b = append(c.terms(b, cl), c.hash...)
	if cl.wish.Trajectory {
		b = append(append(b, `,"last_trajectory":`...), cl.before...)
	}
	cl.before = nil
	c.send(cl, append(b, '}'))
}

// terms appends what an agent is told about the episode that begins.
func (c *Coordinator) terms(b []byte, cl *Client) []byte {
	role := cl.agent.Role
	b = append(b, `,"max_steps":`...)
	if part := c.task.Roles[role]; part.MaxSteps != 0 || part.HasMaxSteps {
		b = strconv.AppendInt(b, int64(part.MaxSteps), 10)
	} else {
		b = append(b, "null"...)
	}
	return appendString(append(b, `,"goal_description":`...), c.world.GoalDescription(role))
}
