package settings

// A Section is a group of settings whose struct is known only after other settings were read:
//
//	type Run struct {
//		Algo     string           `yaml:"algo" usage:"which algorithm learns"`
//		Settings settings.Section `yaml:"settings" usage:"hyperparameters of the algorithm"`
//	}
//
// [Load] keeps what the sources say about the section, with its place, until [Section.Bind] names the struct. From
// then on its settings are like those of any group for every function of this package. A copy of an outer struct
// shares the struct that was bound.
type Section struct {
	key     string
	cfg     any
	waiting []entry
}

// Bind makes the struct that cfg points to the members of the section and loads onto it what has waited, as [Load]
// does. It is called even if nothing waits, with &struct{}{} if there is nothing to set: else unknown keys would pass
// unseen, and [Encode] panics.
func (s *Section) Bind(cfg any) error {
	prefix := ""
	if s.key != "" {
		prefix = s.key + "."
	}
	l := newLoader(prefix, cfg)
	for _, e := range s.waiting {
		l.put(e)
	}
	s.cfg, s.waiting = cfg, nil
	return l.finish()
}

// Bound returns what was bound, nil before that.
func (s *Section) Bound() any { return s.cfg }
