package coordinator

import (
	"fmt"
	"strconv"

	"idsrl/envs/netsecgame"
)

// Options of a game, besides its task.
type Options struct {
	Compat     netsecgame.Compat
	Randomness netsecgame.Randomness // seeded
	Whitebox   bool                  // welcome agents with a list of all actions; never change addresses

	// Tokens are what JoinGame must bring as its "token", by role; "": nothing. (NetSecGame ignores that key.)
	Tokens [len(roleNames)]string
	// MaxConnections is how many clients there may be at once; 0: as many as Compat allows.
	MaxConnections int
	// MaxTrajectory is how many bytes an agent's trajectory may take in memory, and how many as text; 0: the default.
	MaxTrajectory int
	// Save is given each trajectory at the end of its episode; nil: none is kept.
	Save func(*Episode)
}

// DefaultMaxTrajectory is room for millions of steps in memory, if actions and states repeat, and for tens of thousands
// as text.
const DefaultMaxTrajectory = 64 << 20

// An Episode is what one agent did and saw.
type Episode struct {
	Name string
	Role string // as on the wire
	Text []byte // a JSON object in one line, which belongs to Save during its call; nil if it is too long
}

// A Coordinator runs one game. It is a state machine: Connect, Handle, Leave and Stop are its events, and what they
// return are its replies. One goroutine uses it at a time.
type Coordinator struct {
	opts  Options
	task  *netsecgame.Task
	world *netsecgame.World
	hash  string // of the task, as a member of messages

	clients int       // connections
	agents  []*Client // in joining order
	joined  int       // agents so far, with those that left
	started bool      // who joins or resets need not wait for others
	stopped bool      // nothing goes on any more
	replies []Reply
}

// A Reply is what an event brings to one client. Text is valid until the next event.
type Reply struct {
	To    *Client
	Text  []byte // with the mark at its end; empty: nothing is said
	Close bool   // the connection ends
}

// A Client is a connection, and an agent once it has joined.
type Client struct {
	address string // as in replies
	text    []byte // of its last reply
	view    []byte // its state as text
	version uint64 // of that state

	agent   *netsecgame.Agent // nil before it joins
	name    string
	status  status
	ended   bool // the episode is over for it
	steps   int
	reward  float64
	played  Played // its last action
	history netsecgame.History[Played]
	episode trajectory
	before  []byte // the episode before as text, if it asked for it

	waits  waits
	wished bool // to reset
	wish   Wish
}

// Waiting reports whether the reply to the client's last message is outstanding. Until it comes, Handle must not be
// given another one.
func (cl *Client) Waiting() bool { return cl.waits != forNothing }

// Joined reports whether the client is an agent.
func (cl *Client) Joined() bool { return cl.agent != nil }

// String says who the client is, for people.
func (cl *Client) String() string {
	if cl.agent == nil {
		return cl.address
	}
	return fmt.Sprintf("%s %s %s", roleNames[cl.agent.Role], cl.name, cl.address)
}

// waits is what an outstanding reply waits for.
type waits uint8

const (
	forNothing waits = iota
	toStart          // enough players, after joining
	toEnd            // the end of the episode for all agents
	toReset          // all agents' wishes
	toRestart        // enough players, after a reset
)

// status is how an agent's episode stands.
type status uint8

const (
	playing status = iota
	playingWithTimeout
	timeoutReached
	success
	fail
)

var statusNames = [...]string{"Playing", "PlayingWithTimeout", "TimeoutReached", "Success", "Fail"}

// String returns the name on the wire.
func (s status) String() string { return "AgentStatus." + statusNames[s] }

// final reports whether the status ends the agent's episode.
func (s status) final() bool { return s > playingWithTimeout }

// New returns the game of a task, with nobody in it.
func New(task *netsecgame.Task, opts Options) *Coordinator {
	c := &Coordinator{
		opts: opts, task: task, hash: `,"configuration_hash":"` + task.ConfigurationHash() + `"`,
		world: netsecgame.NewWorld(task, opts.Compat, opts.Randomness),
	}
	if opts.MaxTrajectory == 0 {
		c.opts.MaxTrajectory = DefaultMaxTrajectory
	}
	if opts.MaxConnections == 0 && opts.Compat.Slots {
		c.opts.MaxConnections = task.RequiredPlayers
		c.stopped = task.RequiredPlayers == 0
	}
	return c
}

// Stopped reports whether the game has ended for good.
func (c *Coordinator) Stopped() bool { return c.stopped }

// Agents is how many agents there are.
func (c *Coordinator) Agents() int { return len(c.agents) }

// Connect takes a new client, whose socket has this address. It returns nil if there is no place.
func (c *Coordinator) Connect(host string, port int) *Client {
	if c.stopped || c.opts.MaxConnections > 0 && c.clients >= c.opts.MaxConnections {
		return nil
	}
	c.clients++
	return &Client{address: "[" + string(appendString(nil, host)) + "," + strconv.Itoa(port) + "]"}
}

// Handle takes a message. Any clients may be told something thereupon, each once.
func (c *Coordinator) Handle(cl *Client, r *Request) []Reply {
	if cl.Waiting() {
		panic("coordinator: a message from a client whose reply is outstanding")
	}
	c.replies = c.replies[:0]
	switch {
	case r.Kind == Malformed:
		c.refuse(cl, "Bad request received: Malformed Action")
	case r.Kind == Quit:
		c.leave(cl)
		c.replies = append(c.replies, Reply{To: cl, Close: true})
	case c.stopped:
		c.refuse(cl, stopped)
	case r.Kind == Join:
		c.join(cl, r)
	case cl.agent == nil:
		c.refuse(cl, "Bad request received: JoinGame must come first")
	case r.Kind == Act:
		c.act(cl, &r.Played)
	default:
		c.ask(cl, r.Wish)
	}
	return c.replies
}

// Leave takes away a client whose connection is lost.
func (c *Coordinator) Leave(cl *Client) []Reply {
	c.replies = c.replies[:0]
	c.leave(cl)
	return c.replies
}

// stopped is what clients hear when the game has.
const stopped = "The game has stopped."

// Stop ends the game: it saves running episodes and tells the clients that wait for a reply.
func (c *Coordinator) Stop() []Reply {
	c.replies = c.replies[:0]
	c.stopped = true
	for _, cl := range c.agents {
		cl.wished, cl.wish.Trajectory = false, false
		c.remember(cl)
		if cl.Waiting() {
			c.refuse(cl, stopped)
		}
	}
	return c.replies
}
