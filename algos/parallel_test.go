package algos

import (
	"runtime"
	"slices"
	"testing"
)

// Every part is done once, with any number of cores and many callers.
func TestParts(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, cores := range []int{1, 2, 4} {
		runtime.GOMAXPROCS(cores)
		done := make(chan bool)
		for range 3 {
			go func() {
				defer func() { done <- true }()
				var p parts
				for n := range 50 {
					count, want := make([]int, n), make([]int, n)
					p.run(n, func(k int) { count[k]++ })
					for k := range want {
						want[k] = 1
					}
					if !slices.Equal(count, want) {
						t.Errorf("%d cores: parts were done %v times", cores, count)
					}
				}
			}()
		}
		for range 3 {
			<-done
		}
	}
}
