package dqn

import "testing"

// A training by graphs ends with the same bytes as a direct one, also if it goes on with what the other began.
func TestBackendsAreEqual(t *testing.T) {
	for _, c := range courses {
		open := func(backend string) *room { return small.With(c.set...).With("backend="+backend).Open(t, c.Setup, 1) }
		direct := open("direct").Train(1)
		want := direct.Bytes()
		if direct.Learners[0].updates == 0 {
			t.Fatalf("%s, %v: no updates", c.ID, c.set)
		}
		if open("gorgonia").Train(1).Bytes() != want {
			t.Errorf("%s, %v: other bytes", c.ID, c.set)
		}
		if open("direct").Train(0.5).Restored(open("gorgonia")).Train(1).Bytes() != want {
			t.Errorf("%s, %v: begun directly, other bytes", c.ID, c.set)
		}
	}
}
