package algos_test

import (
	"archive/zip"
	"bytes"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"idsrl/algos"
	"idsrl/algos/algotest"
	"idsrl/algos/dqn"
	"idsrl/algos/qlearning"
	"idsrl/envs"
	"idsrl/nets"
)

func sample(rng *rand.Rand) *algos.Checkpoint {
	c := &algos.Checkpoint{
		Header: algos.Header{
			Format: algos.CheckpointFormat, Env: "idsgame-v0", Algo: "tabular-q+omega=0", Seed: rng.Uint64(),
			Episodes: rng.Int64(), Steps: rng.Int64(),
		},
		Config: []byte("env: idsgame-v0\n"),
	}
	if rng.IntN(2) == 0 {
		c.Session = []byte(`{"episodes":1}`)
	}
	bytes := func() []byte {
		data := make([]byte, rng.IntN(100))
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		return data
	}
	for range rng.IntN(3) {
		s := algos.State{Data: bytes()}
		if rng.IntN(2) == 0 {
			s.Weights = bytes()
		}
		c.Learners = append(c.Learners, s)
	}
	c.Header.Learners = len(c.Learners)
	return c
}

// sameParts takes nil and empty for the same.
func sameParts(a, b *algos.Checkpoint) bool {
	return bytes.Equal(a.Config, b.Config) && bytes.Equal(a.Session, b.Session) &&
		slices.EqualFunc(a.Learners, b.Learners, func(x, y algos.State) bool {
			return bytes.Equal(x.Data, y.Data) && bytes.Equal(x.Weights, y.Weights)
		})
}

func TestCheckpoint(t *testing.T) {
	rng := rand.New(envs.NewPCG(1))
	for range 100 {
		c := sample(rng)
		data := algotest.Must(c.Encode())
		if again := algotest.Must(c.Encode()); !bytes.Equal(data, again) {
			t.Fatal("the same checkpoint, other bytes")
		}
		got := algotest.Must(algos.DecodeCheckpoint(data))
		if got.Header != c.Header || !sameParts(got, c) {
			t.Fatalf("%+v becomes %+v", c, got)
		}
	}
}

// A table of zeros packs as well as anything does, and is read all the same.
func TestCheckpointOfZeros(t *testing.T) {
	for _, size := range []int{0, 1, 1000, 1 << 16, 10 << 20} {
		c := &algos.Checkpoint{Learners: []algos.State{{Data: make([]byte, size)}}}
		got := algotest.Must(algos.DecodeCheckpoint(algotest.Must(c.Encode())))
		if !bytes.Equal(got.Learners[0].Data, c.Learners[0].Data) {
			t.Errorf("%d zeros become %d bytes", size, len(got.Learners[0].Data))
		}
	}
}

func archive(tb testing.TB, files ...string) []byte {
	tb.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		w := algotest.Must(z.Create(files[i]))
		algotest.Must(w.Write([]byte(files[i+1])))
	}
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func TestCheckpointErrors(t *testing.T) {
	header := func(format, learners string) string {
		return `{"format":` + format + `,"seed":"1","learners":` + learners + `}`
	}
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"nothing", nil, "not a checkpoint"},
		{"text", []byte("hello"), "not a checkpoint"},
		{"empty archive", archive(t), "not a checkpoint"},
		{"archive of something else", archive(t, "readme", "hello"), "not a checkpoint"},
		{"archive with folders", archive(t, "checkpoint.json", header("2", "0"), "a/b", ""), `"a/b"`},
		{"archive that climbs", archive(t, "checkpoint.json", header("2", "0"), `..\b`, ""), "not a checkpoint"},
		{"header that is no JSON", archive(t, "checkpoint.json", "{"), "checkpoint.json"},
		{"older format", archive(t, "checkpoint.json", header("1", "0")), "format 1; this program reads format 2"},
		{"newer format", archive(t, "checkpoint.json", header("3", "0")), "format 3; this program reads format 2"},
		{"learner missing", archive(t, "checkpoint.json", header("2", "2"), "learner-0.bin", ""), "learner-1.bin"},
		{"many learners missing", archive(t, "checkpoint.json", header("2", "1000000000000")), "learner-0.bin"},
	} {
		got, err := algos.DecodeCheckpoint(c.data)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %+v, error %v; want %q", c.name, got, err, c.want)
		}
	}
}

// A damaged file is an error or, where the damage hits nothing that counts, the same checkpoint.
func TestCheckpointDamaged(t *testing.T) {
	rng := rand.New(envs.NewPCG(2))
	c := sample(rng)
	c.Learners = []algos.State{{Data: bytes.Repeat([]byte("table "), 50)}, {Data: []byte("more"), Weights: []byte("weights")}}
	c.Header.Learners = 2
	data := algotest.Must(c.Encode())
	for n := range data {
		if got, err := algos.DecodeCheckpoint(data[:n]); err == nil {
			t.Fatalf("the first %d of %d bytes give %+v", n, len(data), got)
		}
	}
	for range 3000 {
		damaged := bytes.Clone(data)
		for range 1 + rng.IntN(3) {
			damaged[rng.IntN(len(damaged))] ^= byte(1 << rng.IntN(8))
		}
		got, err := algos.DecodeCheckpoint(damaged)
		if err == nil && !(bytes.Equal(got.Config, c.Config) || len(got.Config) == 0) {
			t.Fatalf("config %q", got.Config)
		}
		if err != nil {
			continue
		}
		// A part whose name is damaged is a part that is not there.
		for i, s := range got.Learners {
			if want := c.Learners[i]; !bytes.Equal(s.Data, want.Data) || len(s.Weights) > 0 && !bytes.Equal(s.Weights, want.Weights) {
				t.Fatalf("learner %d: %q", i, s)
			}
		}
	}
}

// Many names for the same packed bytes would unpack a small file into all memory.
func TestCheckpointOverlap(t *testing.T) {
	zeros := strings.Repeat("\x00", 8<<20)
	var many []string
	for i := range 40 {
		many = append(many, "learner-"+string(rune('A'+i))+".bin", "")
	}
	files := append([]string{"checkpoint.json", `{"format":2,"seed":"1"}`, "learner-0.bin", zeros}, many...)
	data := archive(t, files...)
	// Let the others claim what belongs to learner-0.bin: its checksum, sizes and place in the directory.
	directory := func(k int) []byte {
		at := -1
		for range k + 1 {
			at += 1 + bytes.Index(data[at+1:], []byte("PK\x01\x02"))
		}
		return data[at:]
	}
	for k := 2; k < 42; k++ {
		copy(directory(k)[16:28], directory(1)[16:28])
		copy(directory(k)[42:46], directory(1)[42:46])
	}
	if _, err := algos.DecodeCheckpoint(data); err == nil || !strings.Contains(err.Error(), "more bytes than there are") {
		t.Errorf("40 files of 8 MiB in %d bytes: error %v", len(data), err)
	}
}

func FuzzDecodeCheckpoint(f *testing.F) {
	rng := rand.New(envs.NewPCG(1))
	for range 3 {
		f.Add(algotest.Must(sample(rng).Encode()))
	}
	f.Add(archive(f, "checkpoint.json", `{"format":2,"seed":"1","learners":-3}`, "learner-0.bin", ""))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := algos.DecodeCheckpoint(data)
		if err != nil {
			return
		}
		again, err := algos.DecodeCheckpoint(algotest.Must(c.Encode()))
		if err != nil || !sameParts(again, c) {
			t.Errorf("%+v becomes %+v, %v", c, again, err)
		}
	})
}

// Weights are saved by name, for anyone to read, and nowhere else.
func TestStateWeights(t *testing.T) {
	for _, p := range append(slices.Clone(gradients), variant{Algorithm: dqn.Algorithm(), Set: []string{"hidden=[8]"}}) {
		env := algotest.NewEnv("toy-forbidden-v0")
		l := p.Learner(t, env.Spec(), 0, 2, 1).(algos.Neural)
		state := algotest.Must(algos.Save(l))
		got, _, err := nets.ReadTensors[float32](state.Weights)
		if err != nil {
			t.Fatal(err)
		}
		if want := l.Tensors(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: weights %v, want %v", p.Name, got, want)
		}
		for _, tensor := range got {
			var e algos.Encoder
			if e.Float32s(tensor.Data); len(tensor.Data) > 3 && !zeros(tensor.Data) && bytes.Contains(state.Data, e.Data[8:]) {
				t.Errorf("%s: %s is saved twice", p.Name, tensor.Name)
			}
		}
		other := p.Learner(t, env.Spec(), 0, 2, 2)
		algotest.Restore(t, other, l)
		if got := other.(algos.Neural).Tensors(); !reflect.DeepEqual(got, l.Tensors()) {
			t.Errorf("%s: restored weights %v, want %v", p.Name, got, l.Tensors())
		}
	}
}

func zeros(xs []float32) bool {
	return !slices.ContainsFunc(xs, func(x float32) bool { return x != 0 })
}

// Weights that are missing, cut, of another network or of none are an error.
func TestStateErrors(t *testing.T) {
	spec := algotest.NewEnv("toy-forbidden-v0").Spec()
	neural := func(set ...string) algos.Learner { return gradients[0].With(set...).Learner(t, spec, 0, 2, 1) }
	tabular := func() algos.Learner { return variant{Algorithm: qlearning.Algorithm()}.Learner(t, spec, 0, 2, 1) }
	save := func(l algos.Learner) algos.State { return algotest.Must(algos.Save(l)) }
	state := save(neural())
	for _, c := range []struct {
		name    string
		to      algos.Learner
		data    []byte
		weights []byte
		want    string
	}{
		{"no weights", neural(), state.Data, nil, "the weights are missing"},
		{"half of the weights", neural(), state.Data, state.Weights[:len(state.Weights)/2], "nets: tensor"},
		{"of a wider network", neural(), state.Data, save(neural("network.hidden=[9]")).Weights, "has shape"},
		{"of a deeper network", neural(), state.Data, save(neural("network.hidden=[8, 8]")).Weights, "nets: "},
		{"of a shared tower", neural(), state.Data, save(neural("network.shared=true")).Weights, "no tensor is called"},
		{"of a table", tabular(), save(tabular()).Data, state.Weights, "weights of a learner that has none"},
		{"no state", neural(), nil, state.Weights, "ends too early"},
	} {
		err := algos.State{Data: c.data, Weights: c.weights}.Restore(c.to)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}
