package scene

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"slices"
	"strconv"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// Colours of meaning are those of Okabe and Ito, darkened for text.
var (
	ground       = color.RGBA{0xf6, 0xf7, 0xf9, 0xff}
	panel        = color.RGBA{0xff, 0xff, 0xff, 0xff}
	sunken       = color.RGBA{0xec, 0xef, 0xf3, 0xff}
	edge         = color.RGBA{0xa9, 0xb2, 0xc0, 0xff}
	ink          = color.RGBA{0x17, 0x20, 0x2e, 0xff}
	muted        = color.RGBA{0x56, 0x62, 0x75, 0xff}
	attackInk    = color.RGBA{0xa8, 0x43, 0x00, 0xff}
	attackSoft   = color.RGBA{0xfd, 0xea, 0xdd, 0xff}
	defenceInk   = color.RGBA{0x00, 0x5f, 0x9e, 0xff}
	defenceSoft  = color.RGBA{0xdc, 0xec, 0xf8, 0xff}
	goodInk      = color.RGBA{0x00, 0x68, 0x4a, 0xff}
	goodSoft     = color.RGBA{0xd8, 0xf1, 0xe8, 0xff}
	badInk       = color.RGBA{0xb3, 0x26, 0x1e, 0xff}
	scanInk      = color.RGBA{0x8a, 0x4b, 0x78, 0xff}
	attackShade  = color.RGBA{0xe0, 0x8a, 0x4b, 0xff}
	defenceShade = color.RGBA{0x56, 0x9f, 0xd0, 0xff}
)

// palette is what pictures are made of: those colours, shades of the two that stand for values, and a coarse cube for
// the edges of what is drawn over them.
var palette = func() color.Palette {
	p := color.Palette{
		ground, panel, sunken, edge, ink, muted, attackInk, attackSoft, defenceInk, defenceSoft, goodInk, goodSoft, badInk,
		scanInk,
	}
	for i := 1; i <= 10; i++ {
		p = append(p, mix(panel, attackShade, float64(i)/10), mix(panel, defenceShade, float64(i)/10))
	}
	for i := range 6 * 6 * 6 {
		p = append(p, color.RGBA{uint8(i / 36 * 51), uint8(i / 6 % 6 * 51), uint8(i % 6 * 51), 0xff})
	}
	return append(p, color.Transparent)
}()

// transparent is the index of no colour, the last one.
var transparent = uint8(len(palette) - 1)

// mix is a on the way to b.
func mix(a, b color.RGBA, part float64) color.RGBA {
	m := func(x, y uint8) uint8 { return uint8(math.Round(float64(x) + (float64(y)-float64(x))*part)) }
	return color.RGBA{m(a.R, b.R), m(a.G, b.G), m(a.B, b.B), 0xff}
}

// Sizes in pixels.
const (
	cellSize   = 24
	lineHeight = 17
	gapX       = 34
	gapY       = 54
	edgeSpace  = 18
	headHeight = 34
	footHeight = 2*lineHeight + 14
)

// A box is where a node is drawn.
type box struct{ x, y, w, h float64 }

func (b box) centre() (x, y float64) { return b.x + b.w/2, b.y + b.h/2 }

// A layout is where everything is drawn.
type layout struct {
	boxes                      []box // by node
	attack, defence, detection bool  // what cards show
	width, height              float64
}

func (s *Scene) layout() layout {
	l := layout{boxes: make([]box, len(s.Nodes))}
	for i := range s.Nodes {
		n := &s.Nodes[i]
		l.attack, l.defence = l.attack || n.Attack != nil, l.defence || n.Defence != nil
		l.detection = l.detection || n.Detection != Hidden
	}
	w := 186.0
	if len(s.Types) > 0 {
		w = math.Max(176, float64(len(s.Types)*cellSize+34))
	}
	for i := range s.Nodes {
		l.boxes[i] = box{x: edgeSpace + s.Nodes[i].X*(w+gapX), w: w, h: s.cardHeight(&s.Nodes[i], &l)}
	}
	if len(s.Types) > 0 {
		l.height = s.stack(&l, edgeSpace, gapY, func(*Node) bool { return true })
	} else {
		l.height = s.stack(&l, edgeSpace, 16, func(n *Node) bool { return n.Kind == Network })
		below := l.height
		for i := range s.Nodes {
			x := s.Nodes[i].X
			l.height = math.Max(l.height, s.stack(&l, below, 16, func(n *Node) bool { return n.Kind != Network && n.X == x }))
		}
	}
	l.width = 2*edgeSpace + s.Width*(w+gapX) + w
	return l
}

func (s *Scene) cardHeight(n *Node, l *layout) float64 {
	switch {
	case len(s.Types) > 0:
		h := 58.0
		if l.attack {
			h += cellSize
		}
		if l.defence {
			h += cellSize
		}
		return h
	case len(n.Lines) > 0:
		return float64(42 + lineHeight*len(n.Lines))
	default:
		return 34
	}
}

// stack puts the rows of some nodes below each other, from top, and returns where the next thing may begin.
func (s *Scene) stack(l *layout, top, gap float64, in func(*Node) bool) float64 {
	var levels []float64
	for i := range s.Nodes {
		if n := &s.Nodes[i]; in(n) && !slices.Contains(levels, n.Y) {
			levels = append(levels, n.Y)
		}
	}
	slices.Sort(levels)
	for _, y := range levels {
		highest := 0.0
		for i := range s.Nodes {
			if n := &s.Nodes[i]; in(n) && n.Y == y {
				l.boxes[i].y = top
				highest = math.Max(highest, l.boxes[i].h)
			}
		}
		top += highest + gap
	}
	return top
}

// A painter draws on an image.
type painter struct {
	img                *image.RGBA
	raster             vector.Rasterizer
	regular, bold, big font.Face
}

// newPainter makes an empty image. The fonts are those of the Go project, which are part of x/image.
func newPainter(width, height int) *painter {
	p := &painter{img: image.NewRGBA(image.Rect(0, 0, width, height))}
	p.regular, p.bold, p.big = face(regular(), 13), face(bold(), 13), face(bold(), 15)
	draw.Draw(p.img, p.img.Bounds(), image.NewUniform(ground), image.Point{}, draw.Src)
	return p
}

// The fonts, read once.
var regular, bold = sync.OnceValue(func() *opentype.Font { return parse(goregular.TTF) }),
	sync.OnceValue(func() *opentype.Font { return parse(gobold.TTF) })

func parse(ttf []byte) *opentype.Font {
	f, err := opentype.Parse(ttf)
	if err != nil {
		panic(err) // it is part of the program
	}
	return f
}

func face(f *opentype.Font, size float64) font.Face {
	made, err := opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		panic(err) // likewise
	}
	return made
}

// fill fills a polygon. It rasterizes no more than the pixels around it.
func (p *painter) fill(c color.Color, points ...[2]float64) {
	low, high := points[0], points[0]
	for _, at := range points {
		for i := range at {
			low[i], high[i] = math.Min(low[i], at[i]), math.Max(high[i], at[i])
		}
	}
	area := image.Rect(int(math.Floor(low[0])), int(math.Floor(low[1])), int(math.Ceil(high[0])), int(math.Ceil(high[1])))
	p.raster.Reset(area.Dx(), area.Dy())
	for i, at := range points {
		x, y := float32(at[0]-float64(area.Min.X)), float32(at[1]-float64(area.Min.Y))
		if i == 0 {
			p.raster.MoveTo(x, y)
		} else {
			p.raster.LineTo(x, y)
		}
	}
	p.raster.ClosePath()
	p.raster.Draw(p.img, area, image.NewUniform(c), image.Point{})
}

// round fills a rectangle with round corners.
func (p *painter) round(c color.Color, b box, radius float64) {
	radius = math.Min(radius, math.Min(b.w, b.h)/2)
	var points [][2]float64
	for corner, at := range [][2]float64{
		{b.x + b.w - radius, b.y + radius}, {b.x + b.w - radius, b.y + b.h - radius}, {b.x + radius, b.y + b.h - radius},
		{b.x + radius, b.y + radius},
	} {
		for i := range 7 {
			angle := math.Pi / 2 * (float64(corner-1) + float64(i)/6)
			points = append(points, [2]float64{at[0] + radius*math.Cos(angle), at[1] + radius*math.Sin(angle)})
		}
	}
	p.fill(c, points...)
}

// frame is a rectangle with a border.
func (p *painter) frame(fill, border color.Color, b box, width, radius float64) {
	p.round(border, b, radius)
	p.round(fill, box{b.x + width, b.y + width, b.w - 2*width, b.h - 2*width}, radius-width)
}

// line draws a line, in dashes if dash is not 0.
func (p *painter) line(c color.Color, x1, y1, x2, y2, width, dash float64) {
	length := math.Hypot(x2-x1, y2-y1)
	if length == 0 {
		return
	}
	dx, dy := (x2-x1)/length, (y2-y1)/length
	step := length
	if dash > 0 {
		step = dash
	}
	for from := 0.0; from < length; from += 2 * step {
		to := math.Min(from+step, length)
		ax, ay, bx, by, nx, ny := x1+dx*from, y1+dy*from, x1+dx*to, y1+dy*to, -dy*width/2, dx*width/2
		p.fill(c, [2]float64{ax + nx, ay + ny}, [2]float64{bx + nx, by + ny}, [2]float64{bx - nx, by - ny}, [2]float64{ax - nx, ay - ny})
	}
}

// arrow draws a line with a head.
func (p *painter) arrow(c color.Color, x1, y1, x2, y2, dash float64) {
	length := math.Hypot(x2-x1, y2-y1)
	if length < 14 {
		return
	}
	dx, dy := (x2-x1)/length, (y2-y1)/length
	bx, by := x2-14*dx, y2-14*dy
	p.line(c, x1, y1, bx, by, 4, dash)
	p.fill(c, [2]float64{x2, y2}, [2]float64{bx - 8*dy, by + 8*dx}, [2]float64{bx + 8*dy, by - 8*dx})
}

// text writes text with its baseline at y: from x, around it, or up to it, as align is 0, 0.5 or 1.
func (p *painter) text(c color.Color, f font.Face, x, y, align float64, text string) {
	d := font.Drawer{Dst: p.img, Src: image.NewUniform(c), Face: f}
	width := float64(d.MeasureString(text)) / 64
	d.Dot = fixed.Point26_6{X: fixed.Int26_6(math.Round(x-width*align) * 64), Y: fixed.Int26_6(y * 64)}
	d.DrawString(text)
}

// Size is how many pixels the picture of a frame takes.
func (f *Frame) Size() image.Point {
	l := f.Scene.layout()
	return image.Pt(int(math.Max(l.width, 560)), int(l.height)+headHeight+footHeight)
}

// Picture draws the frame in the middle of a picture of that size, under a title, above the moves.
func (f *Frame) Picture(title string, size image.Point) *image.Paletted {
	p := newPainter(size.X, size.Y)
	s, l := f.Scene, f.Scene.layout()
	for i := range l.boxes {
		l.boxes[i].x += math.Floor((float64(size.X) - l.width) / 2)
		l.boxes[i].y += headHeight
	}
	p.text(ink, p.big, edgeSpace, 24, 0, title)
	p.text(muted, p.regular, float64(size.X-edgeSpace), 24, 1, fmt.Sprintf("step %d", f.Step))
	for _, link := range s.Links {
		p.link(s, &l, link)
	}
	for i := range s.Nodes {
		p.card(s, &l, &s.Nodes[i], l.boxes[i], f.Moves)
	}
	for _, m := range f.Moves {
		p.move(s, &l, m)
	}
	p.foot(f, size)
	paletted := image.NewPaletted(p.img.Bounds(), palette)
	quantize(paletted, p.img)
	return paletted
}

// quantize takes the nearest colour of the palette for each pixel.
func quantize(dst *image.Paletted, src *image.RGBA) {
	seen := map[color.RGBA]uint8{}
	for i := range dst.Pix {
		if i > 0 && [4]uint8(src.Pix[4*i:]) == [4]uint8(src.Pix[4*i-4:]) {
			dst.Pix[i] = dst.Pix[i-1] // most pixels are as their neighbour
			continue
		}
		c := color.RGBA{src.Pix[4*i], src.Pix[4*i+1], src.Pix[4*i+2], 0xff}
		index, ok := seen[c]
		if !ok {
			index = uint8(palette.Index(c))
			seen[c] = index
		}
		dst.Pix[i] = index
	}
}

// box finds the box of a node.
func (l *layout) box(s *Scene, id string) (b box, ok bool) {
	for i := range s.Nodes {
		if s.Nodes[i].ID == id {
			return l.boxes[i], true
		}
	}
	return b, false
}

func (p *painter) link(s *Scene, l *layout, link Link) {
	from, okFrom := l.box(s, link.From)
	to, okTo := l.box(s, link.To)
	if !okFrom || !okTo {
		return
	}
	x1, y1 := from.centre()
	x2, y2 := to.centre()
	if link.Blocked {
		p.line(defenceInk, x1, y1, x2, y2, 2, 5)
	} else {
		p.line(edge, x1, y1, x2, y2, 1.5, 0)
	}
}

// card draws a node.
func (p *painter) card(s *Scene, l *layout, n *Node, b box, moves []Move) {
	fill, border, width, radius := panel, edge, 1.25, 8.0
	switch n.Kind {
	case Data:
		fill, border = goodSoft, goodInk
	case Start:
		fill = sunken
	case Network:
		fill, radius = sunken, 17
	}
	if n.Attacker || n.Controlled {
		fill, border, width = attackSoft, attackInk, 3
	}
	p.frame(fill, border, b, width, radius)
	x := b.x + 14
	if n.Attacker {
		p.round(attackInk, box{x + 3, b.y + 7, 10, 10}, 5)
		p.round(attackInk, box{x - 1, b.y + 18, 18, 9}, 5)
		x += 24
	}
	p.text(ink, p.bold, x, b.y+22, 0, n.Name)
	if len(s.Types) == 0 {
		for i, line := range n.Lines {
			p.text(ink, p.regular, b.x+14, b.y+float64(46+lineHeight*i), 0, cut(line, 24))
		}
		return
	}
	p.detection(l, n, b, moves)
	for typ := range s.Types {
		p.text(muted, p.regular, b.x+29+cellSize*(float64(typ)+.5), b.y+44, .5, string(Key(typ)))
	}
	y := b.y + 49
	if l.attack {
		p.row(s, n, b.x, y, row{"A", Attack, n.Attack, attackShade, attackInk}, moves)
		y += cellSize
	}
	if l.defence {
		p.row(s, n, b.x, y, row{"D", Defend, n.Defence, defenceShade, defenceInk}, moves)
	}
}

// detection draws the detection value in the corner of a node.
func (p *painter) detection(l *layout, n *Node, b box, moves []Move) {
	if !l.detection {
		return
	}
	pill, rim := box{b.x + b.w - 70, b.y + 7, 60, 20}, edge
	if touches(moves, n, Hidden, Detect) {
		rim = defenceInk
	}
	p.frame(sunken, rim, pill, 1.5, 10)
	text := "det ?"
	if n.Detection != Hidden {
		text = "det " + strconv.Itoa(n.Detection)
	}
	p.text(ink, p.regular, pill.x+30, b.y+22, .5, text)
}

// A row is the attack or the defence values of a node.
type row struct {
	name       string
	verb       Verb  // of moves on them
	values     []int // by type; nil if not shown
	shade, rim color.RGBA
}

// row draws a row of cells, one for each type, from (x, y) on.
func (p *painter) row(s *Scene, n *Node, x, y float64, r row, moves []Move) {
	p.text(muted, p.bold, x+15, y+17, .5, r.name)
	for typ := range s.Types {
		value, text, fill, rim, width := Hidden, "?", sunken, edge, 1.0
		if r.values != nil {
			value = r.values[typ]
		}
		if value != Hidden {
			text = strconv.Itoa(value)
			fill = mix(panel, r.shade, math.Ceil(10*float64(value)/float64(max(s.Max, value, 1)))/10)
		}
		if touches(moves, n, typ, r.verb) {
			rim, width = r.rim, 2.5
		}
		p.frame(fill, rim, box{x + 30 + cellSize*float64(typ), y + 1, cellSize - 2, cellSize - 2}, width, 4)
		p.text(ink, p.regular, x+29+cellSize*(float64(typ)+.5), y+17, .5, text)
	}
}

// touches reports whether a move was about a value; Hidden is any type.
func touches(moves []Move, n *Node, typ int, verb Verb) bool {
	return slices.ContainsFunc(moves, func(m Move) bool {
		return m.Action.To == n.ID && m.Action.Verb == verb && (typ == Hidden || m.Action.Type == typ)
	})
}

// effects are the colours of how moves end.
var effects = map[Effect]color.RGBA{Done: goodInk, Failed: attackInk, Detected: badInk, Nothing: muted}

// move draws the arrow of a move.
func (p *painter) move(s *Scene, l *layout, m Move) {
	from, okFrom := l.box(s, m.Action.From)
	to, okTo := l.box(s, m.Action.To)
	if !okFrom || !okTo || from == to || m.Result.Effect == Nothing {
		return
	}
	x1, y1 := from.centre()
	x2, y2 := to.centre()
	switch {
	case from.y > to.y:
		y1, y2 = from.y, to.y+to.h
	case from.y < to.y:
		y1, y2 = from.y+from.h, to.y
	case from.x < to.x:
		x1, x2 = from.x+from.w, to.x
	default:
		x1, x2 = from.x, to.x+to.w
	}
	c, dash := effects[m.Result.Effect], 0.0
	if m.Action.Verb == Scan && m.Result.Effect == Done {
		c = scanInk
	}
	if m.Result.Effect == Failed {
		dash = 7
	}
	p.arrow(c, x1, y1, x2, y2, dash)
}

// foot writes the moves, or how the game has ended.
func (p *painter) foot(f *Frame, size image.Point) {
	y := float64(size.Y - footHeight + lineHeight)
	if f.Over {
		c := map[string]color.RGBA{"attacker": attackInk, "defender": defenceInk}[f.Winner]
		if f.Winner == "nobody" {
			c = muted
		}
		p.text(c, p.bold, edgeSpace, y, 0, f.Outcome)
		return
	}
	for _, m := range f.Moves {
		c := defenceInk
		if m.Role == "attacker" {
			c = attackInk
		}
		text := m.Role + ": " + m.Action.Text
		if m.Result.Text != "" {
			text += " · " + m.Result.Text
		}
		p.text(c, p.regular, edgeSpace, y, 0, text)
		y += lineHeight
	}
}
