package algos

import (
	"math/rand/v2"
	"strconv"

	"idsrl/envs"
	"idsrl/nets"
)

// Encoding is the settings of how observations become the input of a network.
type Encoding struct {
	Scale  string `yaml:"scale" choice:"bounds|none" usage:"bounds divides each entry of an observation by its largest absolute value, if that is more than 1; none leaves it as it is"`
	Frames int    `yaml:"frames" range:"[1, 1000]" usage:"how many of an episode's last observations the network sees, oldest first; the first one is repeated as long as there are fewer"`
}

// DefaultEncoding is the last observation, scaled.
func DefaultEncoding() Encoding { return Encoding{Scale: "bounds", Frames: 1} }

// Input makes the input of a network from what N games show: the last observations of each, its frames. Frames stand side
// by side, oldest first, row by row where an observation is a matrix. No frame is of an earlier episode.
type Input struct {
	frames, rows int
	scale        []float32 // [Len]
	seen, next   []float32 // [N x Len]
	last         []float32 // [Len]
}

// NewInput makes the input from n games that show observations in a box.
func NewInput(e Encoding, box envs.Box, n int) *Input {
	in := &Input{frames: e.Frames, rows: 1}
	if len(box.Shape) == 2 {
		in.rows = box.Shape[0]
	}
	size := box.Len() / in.rows
	for k := range in.rows {
		low, high := row(box.Low, k, size), row(box.High, k, size)
		for range in.frames {
			for i := range size {
				factor := float32(1)
				if e.Scale == "bounds" {
					factor = 1 / max(-low[i], high[i], 1)
				}
				in.scale = append(in.scale, factor)
			}
		}
	}
	return in.forGames(n)
}

// forGames is an input made in the same way from n other games.
func (in *Input) forGames(n int) *Input {
	width := in.Len()
	return &Input{
		frames: in.frames, rows: in.rows, scale: in.scale,
		seen: make([]float32, n*width), next: make([]float32, n*width), last: make([]float32, width),
	}
}

// Len is the width of the input from one game.
func (in *Input) Len() int { return len(in.scale) }

// Row is the width of a row of it.
func (in *Input) Row() int { return len(in.scale) / in.rows }

// Model describes a network and what its input is multiplied with.
func (in *Input) Model(net nets.Describer) *nets.Model {
	m := nets.NewModel(net, in.scale)
	m.Metadata["frames"] = strconv.Itoa(in.frames)
	return m
}

// See is the input [N x Len] from what b shows, to be called once a step.
func (in *Input) See(b *envs.Batch) []float32 { return in.all(in.seen, b) }

// Peek is what See will return, before it is called.
func (in *Input) Peek(b *envs.Batch) []float32 { return in.all(in.next, b) }

// Last is the input [Len] from the last observation of row i's finished episode, before See is called.
func (in *Input) Last(b *envs.Batch, i int) []float32 {
	in.add(in.last, row(in.seen, i, in.Len()), row(b.Last, i, b.ObsLen), false)
	return in.last
}

func (in *Input) all(dst []float32, b *envs.Batch) []float32 {
	for i := range b.N {
		in.add(row(dst, i, in.Len()), row(in.seen, i, in.Len()), row(b.Obs, i, b.ObsLen), b.First[i])
	}
	return dst
}

// row is row i of a matrix.
func row(matrix []float32, i, width int) []float32 { return matrix[i*width : (i+1)*width] }

// add writes to dst, which may be seen, the input from the frames of seen and obs; from obs alone if it is the first of an
// episode.
func (in *Input) add(dst, seen, obs []float32, first bool) {
	width, size := in.Row(), in.Row()/in.frames
	for k := range in.rows {
		to, from, scale := row(dst, k, width), row(obs, k, size), row(in.scale, k, width)
		copy(to, row(seen, k, width)[size:])
		newest := to[width-size:]
		for i, x := range from {
			newest[i] = x * scale[i]
		}
		if first {
			for frame := range in.frames - 1 {
				copy(row(to, frame, size), newest)
			}
		}
	}
}

// Encode saves what was seen. One frame has no past.
func (in *Input) Encode(e *Encoder) {
	if in.frames > 1 {
		e.Float32s(in.seen)
	}
}

// Decode restores what Encode saved, of an input from as many games.
func (in *Input) Decode(d *Decoder) {
	if in.frames > 1 {
		fill(d, in.seen, d.Float32s())
	}
}

// PolicyInput is the input of a Policy's network. A Policy that embeds it hears of new episodes, as an envs.Starter.
type PolicyInput struct {
	in    *Input
	obs   []float32
	first bool
}

// ForPolicy is an input made in the same way for a Policy.
func (in *Input) ForPolicy() *PolicyInput {
	return &PolicyInput{in: in.forGames(1), obs: make([]float32, in.Len()/in.frames), first: true}
}

// StartEpisode forgets the episode before.
func (p *PolicyInput) StartEpisode(*rand.Rand) { p.first = true }

// See is the input from what seat sees, to be called once a step.
func (p *PolicyInput) See(env envs.Env, seat int) []float32 {
	env.Observe(seat, p.obs)
	p.in.add(p.in.seen, p.in.seen, p.obs, p.first)
	p.first = false
	return p.in.seen
}

// Present reports whether the input shows what seat sees now and nothing earlier.
func (p *PolicyInput) Present() bool { return p.in.frames == 1 }
