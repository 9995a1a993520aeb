// Package onnxtest runs ONNX models for tests, in Python. Where there is an onnx.reference (onnx 1.13 and later), it
// evaluates them. Elsewhere onnx.checker looks at them, with full_check, and what it lets pass is evaluated in numpy.
package onnxtest

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"os/exec"
	"testing"
)

// A Case is a model and rows that it should see.
type Case struct {
	Model []byte      `json:"model"`
	Obs   [][]float32 `json:"observation"`
	Legal [][]bool    `json:"legal"`
}

// A Result is what Python makes of a case.
type Result struct {
	Outputs  map[string]Matrix `json:"outputs"`
	Metadata map[string]string `json:"metadata"`
}

// A Matrix is an output, row by row.
type Matrix []float64

// UnmarshalJSON reads null as −∞, for which JSON has no number.
func (m *Matrix) UnmarshalJSON(data []byte) error {
	var xs []*float64
	if err := json.Unmarshal(data, &xs); err != nil {
		return err
	}
	*m = make(Matrix, len(xs))
	for i, x := range xs {
		(*m)[i] = math.Inf(-1)
		if x != nil {
			(*m)[i] = *x
		}
	}
	return nil
}

//go:embed evaluate.py
var script string

// Run evaluates cases. It logs by what, and skips the test where there is no Python with onnx.
func Run(t *testing.T, cases ...Case) []Result {
	t.Helper()
	python, err := Python("numpy, onnx")
	if err != nil {
		t.Skipf("NOT CHECKED by another implementation: %v; Debian's package is python3-onnx", err)
	}
	input, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), python, "-c", script)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", python, err, stderr.String())
	}
	var answer struct {
		Evaluator string   `json:"evaluator"`
		Results   []Result `json:"results"`
	}
	if err := json.Unmarshal(stdout.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	if len(answer.Results) != len(cases) {
		t.Fatalf("%d results of %d cases", len(answer.Results), len(cases))
	}
	t.Logf("%d models, evaluated by %s", len(cases), answer.Evaluator)
	return answer.Results
}

// Python is one that has some modules: the first on the path, or that of the system.
func Python(modules string) (python string, err error) {
	for _, python = range []string{"python3", "/usr/bin/python3"} {
		if err = exec.Command(python, "-c", "import "+modules).Run(); err == nil {
			return python, nil
		}
	}
	return "", fmt.Errorf("no python3 has %s: %w", modules, err)
}
