package algos_test

import (
	"math"
	"testing"

	"idsrl/algos"
)

func TestMeter(t *testing.T) {
	m := algos.NewMeter("a", "b")
	for _, x := range []float64{1, math.NaN(), 4, 4} {
		m.Add(0, x)
	}
	var e algos.Encoder
	m.Encode(&e)
	got := make([]float64, 2)
	if m.Report(got); got[0] != 3 || !math.IsNaN(got[1]) {
		t.Errorf("means %v, want 3 and none", got)
	}
	if m.Report(got); !math.IsNaN(got[0]) {
		t.Errorf("the mean of nothing is %v", got[0])
	}
	restored := algos.NewMeter("a", "b")
	d := algos.NewDecoder(e.Data)
	restored.Decode(d)
	restored.Add(0, 7)
	if restored.Report(got); d.Close() != nil || got[0] != 4 {
		t.Errorf("restored, the mean of 1, 4, 4 and 7 is %v", got[0])
	}
	d = algos.NewDecoder(e.Data)
	one := algos.NewMeter("a")
	if one.Decode(d); d.Close() == nil {
		t.Error("a meter of another number of quantities: no error")
	}
	e = algos.Encoder{}
	e.Floats([]float64{1, 2})
	e.Ints([]int{1, -1})
	d = algos.NewDecoder(e.Data)
	if restored.Decode(d); d.Close() == nil {
		t.Error("a mean of -1 values: no error")
	}
}
