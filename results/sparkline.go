package results

import "math"

const bars = "▁▂▃▄▅▆▇█"

// Sparkline draws values as a line of at most width bars, from ▁ at low to █ at high. If there are more values than
// width, a bar is the mean of neighbours. Where there is only NaN, there is a space.
func Sparkline(values []float64, low, high float64, width int) string {
	levels := []rune(bars)
	line := make([]rune, max(0, min(width, len(values))))
	for i := range line {
		from, to := i*len(values)/len(line), (i+1)*len(values)/len(line)
		mean := Mean(withoutNaN(values[from:to]))
		if math.IsNaN(mean) {
			line[i] = ' '
			continue
		}
		level := 0.0
		if low < high {
			level = (mean - low) / (high - low) * float64(len(levels))
		}
		line[i] = levels[int(min(max(level, 0), float64(len(levels)-1)))]
	}
	return string(line)
}
