package recording

import (
	"os"
	"path/filepath"
	"testing"
)

// TestPublished replays the recordings of the original.
func TestPublished(t *testing.T) {
	files, err := filepath.Glob("testdata/*.jsonl.gz")
	if err != nil || len(files) == 0 {
		t.Fatal("no recordings", err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			report, err := Verify(f)
			if err != nil {
				t.Fatal(err)
			}
			if report.Differences > 0 {
				t.Errorf("%d differences in %d lines, first: %v", report.Differences, report.Lines, report.First)
			}
		})
	}
}
