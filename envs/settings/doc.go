// Package settings makes one struct the definition of a program's settings. From the tags of its fields follow the
// keys of a YAML file, what --set key=value accepts, the documentation with the true defaults, the validation of
// ranges, and a saved file that explains every value:
//
//	type Config struct {
//		Alpha  float64      `yaml:"alpha" usage:"step size α" range:"(0, 1]"`
//		State  string       `yaml:"state" usage:"what the table is keyed by" choice:"auto|node|full"`
//		Hidden []int        `yaml:"hidden" usage:"units of each layer" range:"[1, inf)"`
//		Replay ReplayConfig `yaml:"replay" usage:"memory of past steps"`
//	}
//
//	cfg := Config{Alpha: 0.1, State: "auto"} // the defaults
//	err := settings.Load(&cfg, settings.File("runs.yaml", data), settings.Assign("--set", []string{"replay.size=500"}))
//
// Load reports every problem at once, each with its place, its value and what would be allowed:
//
//	runs.yaml:4: alpha = 2: must be in (0, 1]
//	runs.yaml:7: replay.sise = 100: unknown setting; did you mean replay.size?
//
// # Structs
//
// A setting is an exported field of kind bool, string, integer or float, or a slice or array of those. Its tags are:
//
//   - yaml: its key, by default the field's name in lower case; "-" means that the field is no setting. Behind it,
//     ",omitempty" lets [Compact] leave out a zero, an empty text or a [Section] without settings.
//   - usage: what it means, in a few words.
//   - range: an interval for a number, or for each number of a list: "[a, b]", "(a, b]", "[a, b)" or "(a, b)". An end
//     may be inf or -inf. NaN is in no range, and not a number even where there is none.
//   - choice: the words that a text, or each text of a list, may be, separated by "|".
//
// A field that is a struct groups the settings in it: their keys stand indented in a file and are joined by dots
// elsewhere (replay.size). The fields of an embedded struct, or of one tagged `yaml:",inline"`, belong to the outer
// struct. A [Section] is a group whose struct is chosen while loading.
//
// What a tag cannot say, a method Validate() error says, with the help of [Checks]. The outer struct and each group
// are asked; a group names its keys as in its own struct. They are asked once every value is good on its own, so that
// Validate may count on the ranges.
//
// A struct that breaks these rules is a mistake in the program and panics. Files and assignments never do.
//
// # Files
//
// A file is one YAML mapping of at most 64 KiB. Anchors, aliases, tags, merge keys and complex keys are errors: a file
// says what it means on the line where it says it. A key without a value is one too, never a zero. Integers may be
// written like 1e6 or 1_000_000. An empty list is read as nil.
//
// A format that no struct describes, because its keys are data or its lists hold mappings, is read value by value with
// [Parse]; a [Node] reports problems in the same way.
package settings
