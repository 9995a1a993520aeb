// Package recordingtest opens recordings of the original for the tests of the packages beside recording.
package recordingtest

import (
	"bytes"
	"os"
	"testing"

	"idsrl/envs/netsecgame"
	"idsrl/envs/netsecgame/coordinator"
	"idsrl/envs/netsecgame/recording"
)

// Open begins to read a recording by its name.
func Open(tb testing.TB, name string) *recording.Recording {
	tb.Helper()
	data, err := os.ReadFile("../recording/testdata/" + name + ".jsonl.gz")
	if err != nil {
		tb.Fatal(err)
	}
	rec, err := recording.Open(bytes.NewReader(data))
	if err != nil {
		tb.Fatal(err)
	}
	return rec
}

// Game is the game of a recording.
func Game(tb testing.TB, name string, compat netsecgame.Compat) (*netsecgame.Task, coordinator.Options) {
	tb.Helper()
	task, options, err := Open(tb, name).Game(compat)
	if err != nil {
		tb.Fatal(err)
	}
	return task, options
}
