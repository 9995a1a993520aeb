package dqn

import "testing"

// A training by graphs ends with the same bytes as a direct one, also if it goes on with what the other began.
func TestBackendsAreEqual(t *testing.T) {
	for _, c := range courses {
		open := func(backend string) *school {
			return enrol(t, small(t, append([]string{"backend=" + backend}, c.set...)), c.id, c.n, c.budget, 1, nil)
		}
		direct := open("direct").train(t, 1)
		want := direct.bytes(t)
		if direct.learners[0].updates == 0 {
			t.Fatalf("%s, %v: no updates", c.id, c.set)
		}
		if open("gorgonia").train(t, 1).bytes(t) != want {
			t.Errorf("%s, %v: other bytes", c.id, c.set)
		}
		half, whole := open("direct").train(t, 0.5), open("gorgonia")
		for i, l := range half.learners {
			restore(t, whole.learners[i], l)
		}
		if err := whole.UnmarshalJSON(must[[]byte](t)(half.MarshalJSON())); err != nil {
			t.Fatal(err)
		}
		if whole.train(t, 1).bytes(t) != want {
			t.Errorf("%s, %v: begun directly, other bytes", c.id, c.set)
		}
	}
}
