// Package plots draws learning curves over seeds, as SVG or PNG.
package plots

import (
	"bytes"
	"fmt"
	"image/color"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"idsrl/results"
)

// A Metric is what can be plotted of an evaluation.
type Metric struct {
	Name, Label string
	Probability bool
	Of          func(results.EvalRow) float64
}

// String returns the name.
func (m Metric) String() string { return m.Name }

// Metrics are all of them; the first is the default.
var Metrics = []Metric{
	{"hack_probability", "hack probability", true, func(e results.EvalRow) float64 { return e.HackProbability }},
	{"detection_probability", "detection probability", true, func(e results.EvalRow) float64 { return e.DetectionProbability }},
	{"attacker_return", "attacker's return", false, func(e results.EvalRow) float64 { return e.AttackerReturn }},
	{"defender_return", "defender's return", false, func(e results.EvalRow) float64 { return e.DefenderReturn }},
	{"episode_length", "episode length", false, func(e results.EvalRow) float64 { return e.EpisodeLength }},
}

// A Figure says what to plot of runs: a panel an environment, a curve a group of runs, which is a statistic over seeds in
// a band that is its 95 % bootstrap interval at each point.
type Figure struct {
	Metric Metric
	Mode   results.Mode
	Axis   results.Axis
	Stat   results.Statistic
}

// Formats are those that Write knows.
var Formats = []string{"svg", "png"}

// Write draws the figure in one of the Formats. The same runs give the same bytes. It is an error if no run was evaluated
// in the mode.
func (f Figure) Write(w io.Writer, runs []*results.Run, format string) error {
	panels, labels := f.panels(runs)
	if len(labels) == 0 {
		return fmt.Errorf("no run has evaluations in mode %s", f.Mode)
	}
	columns := min(len(panels), 3)
	if len(panels) == 4 {
		columns = 2
	}
	s := sheet{panels: panels, labels: labels, columns: columns, rows: (len(panels) + columns - 1) / columns}
	for _, p := range panels {
		s.bounded = s.bounded || f.bound(p.env) != nil
	}
	s.width, s.height = vg.Length(columns)*panelWidth, vg.Length(s.rows)*panelHeight
	if len(panels) == 1 {
		s.width, s.height = 1.5*s.width, 1.5*s.height
	}
	s.legend = s.placeLegend()
	s.height += s.legendHeight() + captionHeight
	caption := fmt.Sprintf("%s over seeds of the %s policy; shaded: 95 %% bootstrap interval", f.Stat.Name, f.Mode)
	switch format {
	case "svg":
		canvas := vgsvg.New(s.width, s.height)
		if err := f.draw(draw.New(canvas), s, caption); err != nil {
			return err
		}
		var b bytes.Buffer
		if _, err := canvas.WriteTo(&b); err != nil {
			return err
		}
		// Arial and Helvetica have the same widths.
		svg := strings.ReplaceAll(b.String(), "font-family:Liberation Sans;", "font-family:Liberation Sans,Arial,Helvetica,sans-serif;")
		_, err := io.WriteString(w, svg)
		return err
	case "png":
		canvas := vgimg.NewWith(vgimg.UseWH(s.width, s.height), vgimg.UseDPI(pngDPI))
		if err := f.draw(draw.New(canvas), s, caption); err != nil {
			return err
		}
		_, err := vgimg.PngCanvas{Canvas: canvas}.WriteTo(w)
		return err
	}
	return fmt.Errorf("no format is called %q: choose one of %s", format, strings.Join(Formats, ", "))
}

// A panel is an environment with its curves.
type panel struct {
	env    string
	curves []curve
}

// A curve is a group of runs.
type curve struct {
	label  int // index of its name among all
	points []results.Point
}

// A label names curves of groups with the same name in all panels.
type label struct {
	name        string
	least, most int // seeds
}

func (l label) String() string {
	switch {
	case l.most == 1:
		return l.name + " (1 seed)"
	case l.least == l.most:
		return fmt.Sprintf("%s (%d seeds)", l.name, l.most)
	}
	return fmt.Sprintf("%s (%d to %d seeds)", l.name, l.least, l.most)
}

// panels sorts the runs into panels and curves, with the names of results.Names.
func (f Figure) panels(runs []*results.Run) (panels []panel, labels []label) {
	groups := results.Groups(runs)
	var ids []results.Identity
	for _, group := range groups {
		ids = append(ids, group[0].Identity())
	}
	names := results.Names(ids)
	for i, group := range groups {
		points := results.Curve(group, f.Mode, f.Axis, f.Metric.Of)
		if len(points) == 0 {
			continue
		}
		name, env := names[i], group[0].Env
		at := slices.IndexFunc(labels, func(l label) bool { return l.name == name })
		if at < 0 {
			at = len(labels)
			labels = append(labels, label{name, len(group), len(group)})
		}
		labels[at].least, labels[at].most = min(labels[at].least, len(group)), max(labels[at].most, len(group))
		if len(panels) == 0 || panels[len(panels)-1].env != env {
			panels = append(panels, panel{env: env})
		}
		last := &panels[len(panels)-1]
		last.curves = append(last.curves, curve{at, points})
	}
	return panels, labels
}

// bound is the best that is possible in an environment, nil if that is not known.
func (f Figure) bound(env string) *float64 {
	if bound, ok := results.FindBound(env); ok && bound.Limit == "" && f.Metric.Name == "hack_probability" {
		return &bound.Value
	}
	return nil
}

// The sizes of what is drawn.
const (
	panelWidth    = 3.4 * vg.Inch
	panelHeight   = 2.5 * vg.Inch
	captionHeight = 14
	margin        = 6
	fontSize      = 9
	lineWidth     = 1.5
	pngDPI        = 200
)

// okabeIto are colours that people with any kind of colour vision tell apart (Okabe and Ito 2008, jfly.uni-koeln.de/color),
// those that show best on white first.
var okabeIto = []color.NRGBA{
	{0x00, 0x72, 0xb2, 0xff}, {0xd5, 0x5e, 0x00, 0xff}, {0x00, 0x9e, 0x73, 0xff}, {0xcc, 0x79, 0xa7, 0xff},
	{0xe6, 0x9f, 0x00, 0xff}, {0x56, 0xb4, 0xe9, 0xff}, {0x00, 0x00, 0x00, 0xff}, {0xf0, 0xe4, 0x42, 0xff},
}

var (
	axisGrey  = color.Gray{0x50}
	gridGrey  = color.Gray{0xe4}
	bandAlpha = uint8(0x38)
	dashes    = [][]vg.Length{nil, {6, 2}, {2, 2}} // of the first, second and third round of colours
)

// style is the line of a label.
func style(label int) draw.LineStyle {
	round := label / len(okabeIto) % len(dashes)
	return draw.LineStyle{Color: okabeIto[label%len(okabeIto)], Width: lineWidth, Dashes: dashes[round]}
}

// boundStyle is the line of the best that is possible.
var boundStyle = draw.LineStyle{Color: axisGrey, Width: 1, Dashes: []vg.Length{4, 3}}

// plot makes a panel.
func (f Figure) plot(p panel) (*plot.Plot, error) {
	out := plot.New()
	for _, text := range []*draw.TextStyle{
		&out.Title.TextStyle, &out.X.Label.TextStyle, &out.Y.Label.TextStyle, &out.X.Tick.Label, &out.Y.Tick.Label,
	} {
		text.Font.Variant, text.Font.Size, text.Color = "Sans", fontSize, axisGrey
	}
	out.X.Tick.Label.Font.Size, out.Y.Tick.Label.Font.Size = fontSize-1, fontSize-1
	out.Title.Text, out.Title.TextStyle.Color, out.Title.Padding = p.env, color.Black, 4
	out.X.Label.Text, out.Y.Label.Text = f.Axis.Name+" of training", f.Metric.Label
	out.X.Padding, out.Y.Padding = 0, 0
	for _, axis := range []*plot.Axis{&out.X, &out.Y} {
		axis.Tick.Marker = roundTicks{}
		axis.Color, axis.Tick.Color, axis.Tick.Width, axis.Width, axis.Tick.Length = axisGrey, axisGrey, 0.5, 0.5, 3
	}
	grid := plotter.NewGrid()
	grid.Vertical.Width, grid.Horizontal.Color, grid.Horizontal.Width = 0, gridGrey, 0.5
	grid.Vertical.Color = nil
	out.Add(grid)
	if bound := f.bound(p.env); bound != nil {
		line := plotter.NewFunction(func(float64) float64 { return *bound })
		line.LineStyle, line.Samples = boundStyle, 2
		out.Add(line)
	}
	for _, c := range p.curves {
		if err := f.add(out, c); err != nil {
			return nil, err
		}
	}
	low, high := 0.0, 1.0
	if !f.Metric.Probability {
		low, high = out.Y.Min, out.Y.Max
	}
	air := 0.02 * (high - low)
	out.Y.Min, out.Y.Max = low-air, high+air
	out.X.Min = 0
	return out, nil
}

// add draws a curve and its band.
func (f Figure) add(out *plot.Plot, c curve) error {
	var line, upper, lower plotter.XYs
	for _, p := range c.points {
		e := results.NewEstimate(f.Stat, p.Values)
		line = append(line, plotter.XY{X: p.X, Y: e.Value})
		if !math.IsNaN(e.Low) {
			upper, lower = append(upper, plotter.XY{X: p.X, Y: e.High}), append(lower, plotter.XY{X: p.X, Y: e.Low})
		}
	}
	slices.Reverse(lower)
	band, err := plotter.NewPolygon(slices.Concat(upper, lower))
	if err != nil {
		return err
	}
	fill := okabeIto[c.label%len(okabeIto)]
	fill.A = bandAlpha
	band.Color, band.LineStyle.Width = fill, 0
	out.Add(band)
	drawn, err := plotter.NewLine(line)
	if err != nil {
		return err
	}
	drawn.LineStyle = style(c.label)
	out.Add(drawn)
	return nil
}

// roundTicks are at multiples of 1, 2 or 5 times a power of ten, three to nine of them.
type roundTicks struct{}

func (roundTicks) Ticks(low, high float64) (ticks []plot.Tick) {
	step := math.Pow(10, math.Floor(math.Log10((high-low)/3)))
	for _, factor := range []float64{5, 2} {
		if (high-low)/(factor*step) >= 3 {
			step *= factor
			break
		}
	}
	for k := math.Ceil(low / step); k*step <= high; k++ {
		x, err := strconv.ParseFloat(strconv.FormatFloat(k*step, 'g', 6, 64), 64) // 0.6, not 0.6000000000000001
		if err == nil {
			ticks = append(ticks, plot.Tick{Value: x, Label: results.Scaled(x + 0).Text}) // + 0 turns −0 into 0
		}
	}
	return ticks
}

// A sheet is what is drawn together.
type sheet struct {
	panels        []panel
	labels        []label
	bounded       bool // a panel shows the best that is possible
	columns, rows int
	width, height vg.Length
	legend        []entry
}

// An entry of the legend: a line and its meaning.
type entry struct {
	text  string
	style draw.LineStyle
	x     vg.Length // from the left
	row   int       // from the top
}

const (
	legendLine = 20 // length of the line before an entry
	legendGap  = 14 // between entries
	legendRow  = fontSize + 5
)

// placeLegend puts the entries in rows.
func (s sheet) placeLegend() (entries []entry) {
	for i, l := range s.labels {
		entries = append(entries, entry{text: l.String(), style: style(i)})
	}
	if s.bounded {
		entries = append(entries, entry{text: "best possible", style: boundStyle})
	}
	x, row := vg.Length(margin), 0
	for i, e := range entries {
		width := legendLine + 4 + textStyle(fontSize).Width(e.text)
		if x > margin && x+width > s.width-margin {
			x, row = margin, row+1
		}
		entries[i].x, entries[i].row = x, row
		x += width + legendGap
	}
	return entries
}

func (s sheet) legendHeight() vg.Length {
	return vg.Length(s.legend[len(s.legend)-1].row+1)*legendRow + margin
}

// textStyle is black text that starts at its point, in the middle of its line.
func textStyle(size vg.Length) draw.TextStyle {
	t := plot.New().Legend.TextStyle
	t.Font.Variant, t.Font.Size, t.Color = "Sans", size, color.Black
	t.YAlign = draw.YCenter
	return t
}

// draw puts the legend above the panels and the caption below.
func (f Figure) draw(canvas draw.Canvas, s sheet, caption string) error {
	canvas.SetColor(color.White)
	canvas.Fill(canvas.Rectangle.Path())
	for _, e := range s.legend {
		y := canvas.Max.Y - margin - (vg.Length(e.row)+0.5)*legendRow
		canvas.StrokeLine2(e.style, e.x, y, e.x+legendLine, y)
		canvas.FillText(textStyle(fontSize), vg.Point{X: e.x + legendLine + 4, Y: y}, e.text)
	}
	small := textStyle(fontSize - 2)
	small.Color = axisGrey
	canvas.FillText(small, vg.Point{X: margin, Y: captionHeight / 2}, caption)

	plots := make([][]*plot.Plot, s.rows)
	for i := range plots {
		plots[i] = make([]*plot.Plot, s.columns)
	}
	for i, p := range s.panels {
		var err error
		if plots[i/s.columns][i%s.columns], err = f.plot(p); err != nil {
			return err
		}
	}
	tiles := draw.Tiles{
		Rows: s.rows, Cols: s.columns, PadLeft: margin, PadRight: 2 * margin, PadTop: margin, PadBottom: margin,
		PadX: 2 * margin, PadY: 2 * margin,
	}
	inner := draw.Crop(canvas, 0, 0, captionHeight, -s.legendHeight())
	for row, canvases := range plot.Align(plots, tiles, inner) {
		for column, c := range canvases {
			if p := plots[row][column]; p != nil {
				p.Draw(c)
			}
		}
	}
	return nil
}
