package netsecgame

// Task returns what the world was built from.
func (w *World) Task() *Task { return w.task }

// Randomness returns where the world's draws come from.
func (w *World) Randomness() Randomness { return w.random }

// AppendValid appends the moves that make sense to someone who knows s: those that the library of the original's clients
// offers, in a fixed order. If blocks is true, BlockIP is among them.
func (w *World) AppendValid(dst []Move, s *State, blocks bool) []Move {
	s.refresh()
	own, known := s.controlled.appendTo(nil), s.hosts.appendTo(nil)
	free := func(x, y int32) bool { return !s.blocks.has(pair{x, y}) }
	for _, x := range own {
		for n := range s.networks.all() {
			dst = append(dst, scan(x, n))
		}
		for _, y := range known {
			if free(x, y) {
				dst = append(dst, on(FindServices, x, y))
			}
		}
		for y, set := range s.services {
			if set == unknown || !free(x, int32(y)) {
				continue
			}
			for _, service := range w.sets[set].ids {
				dst = append(dst, exploit(x, int32(y), service))
			}
		}
		dst = append(dst, on(FindData, x, x))
	}
	for x := range s.files.all() {
		for _, y := range own {
			if x == y || !free(x, y) {
				continue
			}
			for id := range s.data.row(x).all() {
				dst = append(dst, exfiltrate(x, y, id))
			}
		}
	}
	if !blocks {
		return dst
	}
	for _, x := range own {
		for _, y := range own {
			if !free(x, y) {
				continue
			}
			for _, b := range known {
				dst = append(dst, shut(x, y, b))
			}
		}
	}
	return dst
}
