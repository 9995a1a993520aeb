package settings

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const commentWidth = 100

// Encode returns the YAML of all settings of the struct that cfg points to, each below a comment that says what it
// means and what is allowed:
//
//	# step size α; in (0, 1]
//	alpha: 0.1
//
// [Decode] gives the same struct again, to the last bit, if its values pass [Check] and its texts are UTF-8; only an
// empty list becomes nil. A [Section] that was not bound is a mistake in the program, unless it is tagged omitempty:
// Encode panics.
func Encode(cfg any) []byte { return encode(list("", cfg)) }

// Compact is [Encode] without those settings tagged omitempty that are empty.
func Compact(cfg any) []byte { return encode(slices.DeleteFunc(list("", cfg), Field.omitted)) }

func encode(fields []Field) []byte {
	var b bytes.Buffer
	for i, f := range fields {
		depth := strings.Count(f.Key, ".")
		indent := strings.Repeat("  ", depth)
		writeComment(&b, indent+"# ", f)
		name := f.Key[strings.LastIndexByte(f.Key, '.')+1:]
		switch {
		case f.section != nil && f.section.cfg == nil && !f.omitEmpty:
			panic("settings: section " + f.Key + " is not bound")
		case !f.isGroup():
			fmt.Fprintf(&b, "%s%s: %s\n", indent, name, f)
		case i+1 < len(fields) && strings.HasPrefix(fields[i+1].Key, f.Key+"."):
			fmt.Fprintf(&b, "%s%s:\n", indent, name)
		default:
			fmt.Fprintf(&b, "%s%s: {}\n", indent, name)
		}
	}
	return b.Bytes()
}

// writeComment writes what f means, in lines that start with start.
func writeComment(b *bytes.Buffer, start string, f Field) {
	about := f.Usage
	if allowed := f.Allowed(); allowed != "" {
		about += "; " + allowed
	}
	line := ""
	for word := range strings.FieldsSeq(strings.TrimPrefix(about, "; ")) {
		if line != "" && utf8.RuneCountInString(start+line+" "+word) > commentWidth {
			fmt.Fprintf(b, "%s%s\n", start, line)
			line = ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	if line != "" {
		fmt.Fprintf(b, "%s%s\n", start, line)
	}
}

// format returns the YAML of a value, which takes one line.
func format(v reflect.Value) string {
	switch v.Kind() {
	case reflect.String:
		return formatText(v.String())
	case reflect.Float32, reflect.Float64:
		return formatFloat(v.Float(), v.Type().Bits())
	case reflect.Slice, reflect.Array:
		items := make([]string, v.Len())
		for i := range items {
			items[i] = format(v.Index(i))
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	return fmt.Sprint(v)
}

func formatFloat(x float64, bits int) string {
	switch {
	case math.IsNaN(x):
		return ".nan"
	case math.IsInf(x, 1):
		return ".inf"
	case math.IsInf(x, -1):
		return "-.inf"
	}
	return strconv.FormatFloat(x, 'g', -1, bits)
}

var (
	plainText = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./-]*$`)
	notText   = []string{"null", "true", "false", "yes", "no", "on", "off", "y", "n", "inf", "nan"} // to some readers
)

func formatText(s string) string {
	if plainText.MatchString(s) && !slices.Contains(notText, strings.ToLower(s)) {
		return s
	}
	return strconv.Quote(s)
}
