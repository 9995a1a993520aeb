package results

import (
	"fmt"
	"math"
	"testing"
)

func ExampleSparkline() {
	hacked := []float64{0, 0.05, 0.15, 0.4, 0.55, 0.61, 0.64, 0.63}
	fmt.Println(Sparkline(hacked, 0, 1, 8))
	fmt.Println(Sparkline(hacked, 0, 1, 4))
	// Output:
	// ▁▁▂▄▅▅▆▆
	// ▁▃▅▆
}

func TestSparkline(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	cases := []struct {
		name      string
		values    []float64
		low, high float64
		width     int
		want      string
	}{
		{"every level", []float64{0, 1, 2, 3, 4, 5, 6, 7, 8}, 0, 8, 9, "▁▂▃▄▅▆▇██"},
		{"beyond the ends", []float64{-1, 2, -inf, inf}, 0, 1, 4, "▁█▁█"},
		{"gaps", []float64{nan, 1, nan}, 0, 1, 3, " █ "},
		{"average over what there is", []float64{nan, 1, nan, nan}, 0, 1, 2, "█ "},
		{"uneven shares", []float64{0, 0, 1, 1, 1}, 0, 1, 2, "▁█"},
		{"shorter than wide", []float64{0, 1}, 0, 1, 9, "▁█"},
		{"other units", []float64{-20, -10}, -20, -10, 2, "▁█"},
		{"no range", []float64{3, 3}, 3, 3, 2, "▁▁"},
		{"none", nil, 0, 1, 5, ""},
		{"no width", []float64{1}, 0, 1, 0, ""},
		{"negative width", []float64{1}, 0, 1, -1, ""},
	}
	for _, c := range cases {
		if got := Sparkline(c.values, c.low, c.high, c.width); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
