package track

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/structpb"

	"idsrl/results"
)

// record is a finished run of two rows of training and an evaluation before, between and after them; or what it was at the
// second evaluation, if that is set.
func record(dir string, half bool) *Record {
	nan := math.NaN()
	r := &Record{
		Run: &results.Run{
			Dir: dir,
			Manifest: results.Manifest{
				Env: "idsgame-v0", Algo: "dqn", Seed: 7, Learners: []string{"attacker"}, Status: results.Finished, Steps: 200,
				StartedAt: time.UnixMilli(1_700_000_000_500), EndedAt: time.UnixMilli(1_700_000_009_000), CheckpointSHA256: "00",
			},
			Evals: []results.EvalRow{
				{Step: 0, Mode: results.Greedy, Games: 10, HackProbability: 0.25, AttackerReturn: -1, DefenderReturn: nan, EpisodeLength: 4},
				{Step: 0, Mode: results.Sampled, Games: 10, HackProbability: 0.125},
				{Step: 100, Episodes: 20, Mode: results.Greedy, Games: 30, HackProbability: 0.75, AttackerReturn: 1, DefenderReturn: nan},
				{Step: 200, Episodes: 50, Mode: results.Greedy, Games: 10, HackProbability: 1, AttackerReturn: 2, DefenderReturn: nan},
			},
			Extra: results.Table{Columns: []string{"attacker_exploitability"}, Rows: [][]float64{{0.5}, {0.25}, {nan}, {0.125}}},
		},
		Train: &results.Table{
			Columns: []string{"step", "episodes", "hack_probability", "attacker/epsilon", "attacker/loss/q", "attacker/learning_rate", "attacker/replay"},
			Rows:    [][]float64{{100, 20, 0.5, 0.9, nan, 0.001, 64}, {200, 50, 0.75, 0.1, 2.5, 0.001, 128}},
		},
		Settings: []Setting{{"settings.gamma", 0.5, "0.5"}, {"settings.double", true, "true"}, {"settings.hidden", []int{64, 64}, "[64, 64]"}, {"episodes", int64(50), "50"}},
	}
	if half {
		r.Run.Status, r.Run.EndedAt, r.Run.CheckpointSHA256 = results.Running, time.Time{}, ""
		r.Run.Evals, r.Run.Extra.Rows, r.Train.Rows = r.Run.Evals[:3], r.Run.Extra.Rows[:3], r.Train.Rows[:1]
	}
	return r
}

// point is a scalar of a tracker.
type point struct {
	step  int64
	value float64
}

// wanted are the scalars of the whole record, by hand: the running share of hacks is 10/20 then (10 + 22.5)/50 in training,
// 2.5/10, 25/40, 35/50 in evaluations; the attacker's return adds up to -10, 20, 40.
var wanted = map[string][]point{
	"attacker_exploitability/eval":      {{0, 0.5}, {200, 0.125}},
	"hack_probability/train":            {{100, 0.5}, {200, 0.75}},
	"cumulative_hack_probability/train": {{100, 0.5}, {200, 0.65}},
	"epsilon":                           {{100, 0.9}, {200, 0.1}},
	"episode_avg_loss/train/attacker":   {{200, 2.5}},
	"lr":                                {{100, 0.001}, {200, 0.001}},
	"replay/attacker":                   {{100, 64}, {200, 128}},
	"episodes/train":                    {{100, 20}, {200, 50}},
	"hack_probability/eval":             {{0, 0.25}, {100, 0.75}, {200, 1}},
	"cumulative_hack_probability/eval":  {{0, 0.25}, {100, 0.625}, {200, 0.7}},
	"avg_episode_rewards/eval/attacker": {{0, -1}, {100, 1}, {200, 2}},
	"cumulative_reward/attacker/eval":   {{0, -10}, {100, 20}, {200, 40}},
	"episode_steps/eval":                {{0, 4}, {100, 0}, {200, 0}},
	"hack_probability/eval_sampled":     {{0, 0.125}},
	"episodes/eval":                     {{0, 0}, {100, 20}, {200, 50}},
}

func checkScalars(t *testing.T, got map[string][]point) {
	t.Helper()
	for name, want := range wanted {
		near := func(a, b point) bool { return a.step == b.step && math.Abs(a.value-b.value) < 1e-6 }
		if !slices.EqualFunc(got[name], want, near) {
			t.Errorf("%s: %v, want %v", name, got[name], want)
		}
	}
	for name := range got {
		if strings.Contains(name, "defender") && !strings.Contains(name, "sampled") {
			t.Errorf("%s has values that are NaN in the file", name)
		}
	}
}

// The messages of TensorBoard that are read here, with the numbers and types of its .proto files.
const schema = `
name: "event.proto" syntax: "proto3" dependency: "google/protobuf/struct.proto"
message_type { name: "Event"
  field { name: "wall_time" number: 1 type: TYPE_DOUBLE } field { name: "step" number: 2 type: TYPE_INT64 }
  field { name: "file_version" number: 3 type: TYPE_STRING }
  field { name: "summary" number: 5 type: TYPE_MESSAGE type_name: ".Summary" } }
message_type { name: "Summary" field { name: "value" number: 1 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".Value" } }
message_type { name: "Value"
  field { name: "tag" number: 1 type: TYPE_STRING } field { name: "simple_value" number: 2 type: TYPE_FLOAT }
  field { name: "tensor" number: 8 type: TYPE_MESSAGE type_name: ".Tensor" }
  field { name: "metadata" number: 9 type: TYPE_MESSAGE type_name: ".Metadata" } }
message_type { name: "Tensor" field { name: "dtype" number: 1 type: TYPE_INT32 }
  field { name: "tensor_shape" number: 2 type: TYPE_MESSAGE type_name: ".Shape" } }
message_type { name: "Shape" field { name: "dim" number: 2 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".Dim" } }
message_type { name: "Dim" field { name: "size" number: 1 type: TYPE_INT64 } }
message_type { name: "Metadata" field { name: "plugin_data" number: 1 type: TYPE_MESSAGE type_name: ".Plugin" } }
message_type { name: "Plugin" field { name: "plugin_name" number: 1 type: TYPE_STRING }
  field { name: "content" number: 2 type: TYPE_BYTES } }
message_type { name: "HParams" field { name: "version" number: 1 type: TYPE_INT32 }
  field { name: "session_start_info" number: 3 type: TYPE_MESSAGE type_name: ".Start" }
  field { name: "session_end_info" number: 4 type: TYPE_MESSAGE type_name: ".End" } }
message_type { name: "Start"
  field { name: "hparams" number: 1 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".Start.HparamsEntry" }
  field { name: "start_time_secs" number: 5 type: TYPE_DOUBLE }
  nested_type { name: "HparamsEntry" options { map_entry: true }
    field { name: "key" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING }
    field { name: "value" number: 2 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".google.protobuf.Value" } } }
message_type { name: "End" field { name: "status" number: 1 type: TYPE_INT32 } field { name: "end_time_secs" number: 2 type: TYPE_DOUBLE } }
`

// reader decodes messages of the schema with the official library.
type reader struct{ file protoreflect.FileDescriptor }

func newReader(t *testing.T) reader {
	t.Helper()
	_ = structpb.File_google_protobuf_struct_proto // registered
	described := new(descriptorpb.FileDescriptorProto)
	if err := prototext.Unmarshal([]byte(schema), described); err != nil {
		t.Fatal(err)
	}
	file, err := protodesc.NewFile(described, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	return reader{file}
}

// decode fails for fields that the schema does not have.
func (r reader) decode(t *testing.T, name string, data []byte) map[string]any {
	t.Helper()
	m := dynamicpb.NewMessage(r.file.Messages().ByName(protoreflect.Name(name)))
	if err := proto.Unmarshal(data, m); err != nil {
		t.Fatal(err)
	}
	return r.fields(t, m)
}

func (r reader) fields(t *testing.T, m protoreflect.Message) map[string]any {
	t.Helper()
	if len(m.GetUnknown()) > 0 {
		t.Errorf("%s has fields without a place: %x", m.Descriptor().Name(), m.GetUnknown())
	}
	fields := map[string]any{}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsMap():
			members := map[string]any{}
			v.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
				members[k.String()] = r.fields(t, v.Message())
				return true
			})
			fields[string(f.Name())] = members
		case f.IsList():
			var items []map[string]any
			for i := range v.List().Len() {
				items = append(items, r.fields(t, v.List().Get(i).Message()))
			}
			fields[string(f.Name())] = items
		case f.Message() != nil:
			fields[string(f.Name())] = r.fields(t, v.Message())
		default:
			fields[string(f.Name())] = v.Interface()
		}
		return true
	})
	return fields
}

// crc32c is the checksum bit by bit (RFC 3720, section 12.1), masked as in TFRecord.
func crc32c(data []byte) uint32 {
	crc := ^uint32(0)
	for _, b := range data {
		crc ^= uint32(b)
		for range 8 {
			low := crc & 1
			crc >>= 1
			if low == 1 {
				crc ^= 0x82f63b78
			}
		}
	}
	return ^crc
}

func TestChecksum(t *testing.T) {
	// RFC 3720, section B.4: 32 bytes of zeros have the checksum aa 36 91 8a, from the low byte on.
	zeros := make([]byte, 32)
	if crc := crc32c(zeros); crc != 0x8a9136aa {
		t.Fatalf("%#x", crc)
	}
	// 0x8a9136aa rotated right by 15 bits is 0x6d551522.
	if got, want := masked(zeros), uint32((0x6d551522+0xa282ead8)&math.MaxUint32); got != want {
		t.Errorf("%#x, want %#x", got, want)
	}
}

// events are the messages in a file of records, whose checksums must be right.
func events(t *testing.T, path string) (list []map[string]any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, mask := newReader(t), func(crc uint32) uint32 { return (crc>>15 | crc<<17) + 0xa282ead8 }
	for len(data) > 0 {
		n := int(binary.LittleEndian.Uint64(data))
		if binary.LittleEndian.Uint32(data[8:]) != mask(crc32c(data[:8])) {
			t.Fatal("the checksum of a length is wrong")
		}
		if binary.LittleEndian.Uint32(data[12+n:]) != mask(crc32c(data[12:12+n])) {
			t.Fatal("the checksum of an event is wrong")
		}
		list = append(list, r.decode(t, "Event", data[12:12+n]))
		data = data[16+n:]
	}
	return list
}

func TestTensorBoard(t *testing.T) {
	dir := t.TempDir()
	if err := TensorBoard(record(dir, false)); err != nil {
		t.Fatal(err)
	}
	list := events(t, filepath.Join(dir, EventFile))
	if list[0]["file_version"] != "brain.Event:2" {
		t.Errorf("the file begins with %v", list[0])
	}
	scalars, before := map[string][]point{}, int64(0)
	plugin := map[string]map[string]any{}
	for _, e := range list {
		step, _ := e["step"].(int64)
		if e["wall_time"] != 1_700_000_000.5 || step < before {
			t.Errorf("at step %d, after %d: %v", step, before, e["wall_time"])
		}
		before = step
		summary, _ := e["summary"].(map[string]any)
		values, _ := summary["value"].([]map[string]any)
		for _, v := range values {
			tag := v["tag"].(string)
			if v["metadata"] == nil {
				x, _ := v["simple_value"].(float32)
				scalars[tag] = append(scalars[tag], point{step, float64(x)})
				continue
			}
			data := v["metadata"].(map[string]any)["plugin_data"].(map[string]any)
			if data["plugin_name"] != "hparams" || v["tensor"].(map[string]any)["dtype"] != int32(1) {
				t.Errorf("%v", v)
			}
			plugin[tag] = newReader(t).decode(t, "HParams", data["content"].([]byte))
		}
	}
	checkScalars(t, scalars)

	start := plugin["_hparams_/session_start_info"]["session_start_info"].(map[string]any)
	hparams := start["hparams"].(map[string]any)
	for key, want := range map[string]map[string]any{
		"settings.gamma": {"number_value": 0.5}, "settings.double": {"bool_value": true},
		"settings.hidden": {"string_value": "[64, 64]"}, "episodes": {"number_value": 50.0},
	} {
		if got, _ := hparams[key].(map[string]any); !maps.Equal(got, want) {
			t.Errorf("%s = %v, want %v", key, got, want)
		}
	}
	end := plugin["_hparams_/session_end_info"]["session_end_info"].(map[string]any)
	if start["start_time_secs"] != 1_700_000_000.5 || end["end_time_secs"] != 1_700_000_009.0 || end["status"] != int32(1) {
		t.Errorf("%v, %v", start, end)
	}
}

// The names are those of log_tensorboard in gym_idsgame/agents/training_agents, q_learning/q_agent.py and
// policy_gradient/pg_agent.py (github.com/Limmen/gym-idsgame); what they do not have ends with the phase or the role.
func TestNames(t *testing.T) {
	qLearner, both := []string{"attacker/epsilon"}, []string{"attacker", "defender"}
	for _, test := range []struct {
		column, want string
		learners     []string
		others       []string // columns
	}{
		{"hack_probability", "hack_probability/train", both, nil},
		{"attacker_return", "avg_episode_rewards/train/attacker", both, nil},
		{"defender_return", "avg_episode_rewards/train/defender", both, nil},
		{"episode_length", "episode_steps/train", both, nil},
		{"attacker/loss/q", "episode_avg_loss/train/attacker", both[:1], qLearner},
		{"defender/loss/policy", "episode_avg_loss/train/defender", both, nil},
		{"attacker/epsilon", "epsilon", both[:1], qLearner},
		{"attacker/learning_rate", "lr", both[:1], qLearner},
		{"attacker/alpha", "lr", both[:1], qLearner},
		{"attacker/learning_rate", "lr/attacker", both[:1], nil},
		{"defender/learning_rate", "lr/defender", both, nil},
		{"attacker/pool/size", "opponent_pool_size/attacker", both, nil},
		{"attacker/epsilon", "epsilon/attacker", both, qLearner},
		{"attacker/alpha", "lr/attacker", both, qLearner},
		{"detection_probability", "detection_probability/train", both, nil},
		{"defender/loss/value", "loss/value/defender", both, nil},
		{"attacker/pool/entropy", "pool/entropy/attacker", both, nil},
	} {
		r := record("", false)
		r.Run.Learners, r.Train.Columns = test.learners, test.others
		if got := r.name(test.column, trainPhase); got != test.want {
			t.Errorf("%s of %q is called %s, want %s", test.column, test.learners, got, test.want)
		}
	}
}

func TestJSONLines(t *testing.T) {
	dir := t.TempDir()
	r := record(dir, false)
	r.Train.Rows[0][4] = math.Inf(1) // attacker/loss/q
	if err := JSONLines(r); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, LinesFile))
	if err != nil {
		t.Fatal(err)
	}
	var lines []map[string]any
	for line := range strings.Lines(string(data)) {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		lines = append(lines, object)
	}
	var kinds []string
	for _, line := range lines {
		kinds = append(kinds, line["kind"].(string))
	}
	want := []string{"run", "eval", "eval_sampled", "train", "eval", "train", "eval"}
	if !slices.Equal(kinds, want) {
		t.Fatalf("%q, want %q", kinds, want)
	}
	if s := lines[0]["settings"].(map[string]any); s["settings.gamma"] != 0.5 || s["settings.double"] != true || lines[0]["seed"] != "7" {
		t.Errorf("%v", lines[0])
	}
	row := map[string]any{
		"kind": "train", "step": 100.0, "episodes": 20.0, "hack_probability": 0.5, "attacker/epsilon": 0.9,
		"attacker/learning_rate": 0.001, "attacker/replay": 64.0, // the loss was infinite
	}
	if !maps.Equal(lines[3], row) {
		t.Errorf("%v, want %v", lines[3], row)
	}
}

func TestMLflow(t *testing.T) {
	store := filepath.Join(t.TempDir(), "ml #1 100%")
	if err := MLflow(store)(record("run", false)); err != nil {
		t.Fatal(err)
	}
	experiment := one(t, filepath.Join(store, "*"))
	run := one(t, filepath.Join(experiment, "*", metaFile))
	run = filepath.Dir(run)
	files := contents(t, run)
	scalars := map[string][]point{}
	for name, text := range files {
		kind, key, _ := strings.Cut(name, "/")
		if kind != metaFile && !mlflowName.MatchString(key) {
			t.Errorf("%q cannot name one of the %s", key, kind)
		}
		if kind != "metrics" {
			continue
		}
		for line := range strings.Lines(text) {
			var cells [3]float64
			for i, cell := range strings.Fields(line) {
				if err := json.Unmarshal([]byte(cell), &cells[i]); err != nil {
					t.Fatal(err)
				}
			}
			if cells[0] != 1_700_000_000_500 {
				t.Errorf("%s: %s", name, line)
			}
			scalars[key] = append(scalars[key], point{int64(cells[2]), cells[1]})
		}
	}
	checkScalars(t, scalars)
	if files["params/settings.gamma"] != "0.5" || files["params/settings.hidden"] != "[64, 64]" || files["tags/mlflow.runName"] != "dqn seed 7" {
		t.Errorf("%v", files)
	}

	// The fields of Experiment and RunInfo, as FileStore keeps them.
	uri := "file://" + strings.NewReplacer(" ", "%20", "#", "%23", "%", "%25").Replace(filepath.ToSlash(experiment))
	for path, want := range map[string]map[string]any{
		experiment: {
			"artifact_location": uri, "creation_time": uint64(1_700_000_000_500), "experiment_id": filepath.Base(experiment),
			"last_update_time": uint64(1_700_000_000_500), "lifecycle_stage": "active", "name": "idsgame-v0",
		},
		run: {
			"artifact_uri": uri + "/" + filepath.Base(run) + "/artifacts", "end_time": uint64(1_700_000_009_000),
			"entry_point_name": "", "experiment_id": filepath.Base(experiment), "lifecycle_stage": "active",
			"run_id": filepath.Base(run), "run_name": "dqn seed 7", "run_uuid": filepath.Base(run), "source_name": "",
			"source_type": uint64(4), "source_version": "", "start_time": uint64(1_700_000_000_500), "status": uint64(3),
			"tags": []any{}, "user_id": "idsrl",
		},
	} {
		data, err := os.ReadFile(filepath.Join(path, metaFile))
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := yaml.Unmarshal(data, &got); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s is\n%v, want\n%v", path, got, want)
		}
	}

	// Another seed is another run of the same experiment, which MLflow may have renamed.
	renamed := []byte("name: renamed\n")
	if err := os.WriteFile(filepath.Join(experiment, metaFile), renamed, 0o600); err != nil {
		t.Fatal(err)
	}
	other := record("run", false)
	other.Settings[3].Text = "60"
	if err := MLflow(store)(other); err != nil {
		t.Fatal(err)
	}
	if found, _ := filepath.Glob(filepath.Join(experiment, "*", metaFile)); len(found) != 2 {
		t.Errorf("%v", found)
	}
	if data, err := os.ReadFile(filepath.Join(experiment, metaFile)); err != nil || !bytes.Equal(data, renamed) {
		t.Errorf("the experiment is %s again, %v", data, err)
	}
}

// mlflowName is _VALID_PARAM_AND_METRIC_NAMES in mlflow/utils/validation.py.
var mlflowName = regexp.MustCompile(`^[/\w.\- ]*$`)

// Databases keep experiment ids as numbers.
func TestExperimentID(t *testing.T) {
	for i := range 100 {
		id := experimentID(fmt.Sprint("env-", i))
		if n, err := strconv.ParseInt(id, 10, 64); err != nil || strconv.FormatInt(n, 10) != id || len(id) != 18 {
			t.Errorf("%s, %v", id, err)
		}
	}
}

// one is the only path that matches pattern.
func one(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %v, %v", pattern, found, err)
	}
	return found[0]
}

// What a run came to is the same whether it was tracked on the way or not, and however often. A file that grows keeps what
// it held, which a viewer has read already.
func TestTrackingAgain(t *testing.T) {
	once, often := t.TempDir(), t.TempDir()
	track := func(dir string, half bool) {
		t.Helper()
		r := record(dir, half)
		for _, write := range []Tracker{TensorBoard, JSONLines, MLflow(filepath.Join(dir, "store"))} {
			if err := write(r); err != nil {
				t.Fatal(err)
			}
		}
	}
	track(once, false)
	track(often, true)
	half := contents(t, often)
	open, err := os.Open(filepath.Join(often, EventFile)) // as a viewer holds it
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	track(often, true)
	if again := contents(t, often); !maps.Equal(again, half) {
		t.Error("the same run came out twice")
	}
	track(often, false)
	want, got := contents(t, once), contents(t, often)
	for name, text := range want {
		if strings.ReplaceAll(got[name], filepath.ToSlash(often), filepath.ToSlash(once)) != text {
			t.Errorf("%s:\n%q\nwant\n%q", name, got[name], text)
		}
	}
	if len(got) != len(want) || len(half[EventFile]) >= len(got[EventFile]) {
		t.Errorf("%d files, want %d", len(got), len(want))
	}

	// A run that was killed goes on from a checkpoint, which the files may be ahead of.
	track(often, true)
	for name, text := range contents(t, often) {
		if filepath.Base(name) != metaFile && got[name] != text {
			t.Errorf("%s did not stay ahead of the run:\n%q\nwas\n%q", name, text, got[name])
		}
	}
	track(often, false)
	if again := contents(t, often); !maps.Equal(again, got) {
		t.Error("the resumed run came out otherwise")
	}
	held, err := open.Stat()
	if err != nil || held.Size() != int64(len(got[EventFile])) {
		t.Errorf("the open file did not grow: %v, %v", held, err)
	}
	if now, err := os.Stat(open.Name()); err != nil || !os.SameFile(held, now) {
		t.Errorf("the open file is no longer the run's: %v", err)
	}

	// A file of another run is replaced.
	if err := os.WriteFile(filepath.Join(often, EventFile), []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	track(often, false)
	if contents(t, often)[EventFile] != want[EventFile] {
		t.Error("the file of another run stayed")
	}
}

func TestParse(t *testing.T) {
	if trackers, err := Parse("tensorboard,jsonl,mlflow=runs"); err != nil || len(trackers) != 3 {
		t.Errorf("%d, %v", len(trackers), err)
	}
	for _, list := range []string{"", "tensorbord", "mlflow", "mlflow=", "jsonl=x", "jsonl,"} {
		if _, err := Parse(list); err == nil || !strings.Contains(err.Error(), "there are tensorboard and jsonl") {
			t.Errorf("%q: %v", list, err)
		}
	}
}

// contents are the files below dir.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, path))
		files[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
