package algos

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// parts is work that consists of numbered parts, which may run at the same time and in any order. The goroutine that asks
// for the work takes parts itself, so that it gets done whoever else is free.
type parts struct {
	work    func(part int)
	n       int64
	next    atomic.Int64
	pending sync.WaitGroup
}

// run does parts 0 to n−1 and returns when all are done. It allocates nothing.
func (p *parts) run(n int, work func(part int)) {
	p.work, p.n = work, int64(n)
	p.next.Store(0)
	for range min(n, runtime.GOMAXPROCS(0)) - 1 {
		p.pending.Add(1)
		select {
		case idle() <- p:
		default: // nobody is idle
			p.pending.Done()
		}
	}
	p.take()
	p.pending.Wait()
}

// take does one part after the other until none is left.
func (p *parts) take() {
	for k := p.next.Add(1) - 1; k < p.n; k = p.next.Add(1) - 1 {
		p.work(int(k))
	}
}

// idle is where goroutines wait for work, one for each core but the caller's. All learners of the process share them.
var idle = sync.OnceValue(func() chan<- *parts {
	waiting := make(chan *parts)
	for range runtime.NumCPU() - 1 {
		go func() {
			for p := range waiting {
				p.take()
				p.pending.Done()
			}
		}()
	}
	return waiting
})
