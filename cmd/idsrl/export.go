package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/urfave/cli/v2"

	"idsrl/results"
)

func exportCommand() *cli.Command {
	return &cli.Command{
		Name:      "export",
		Usage:     "write a learnt network for other programs",
		ArgsUsage: "RUN",
		Description: `Writes the network of RUN, the folder of a run or a checkpoint file, as ONNX, as safetensors, or both:

   idsrl export --onnx policy.onnx RUN                   a policy that runs anywhere
   idsrl export --safetensors policy.safetensors RUN     its weights by name
   idsrl export --seat defender --onnx d.onnx RUN        one seat of a run that has learnt both

The ONNX file (operator set 12) goes from the environment's observation, unscaled, and the legal actions to the
greedy action, for any number of rows at once; the command lists inputs and outputs. In Python:

   policy = onnxruntime.InferenceSession("policy.onnx")
   action, = policy.run(["action"], {"observation": obs, "legal": legal})

The safetensors file is for networks built elsewhere: dense layers <part>.<layer>.weight [inputs, outputs] and
<part>.<layer>.bias. Both files name in their metadata the environment, the algorithm, the seed, the role, the actions by id,
the activation of hidden layers and the configuration of the run.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "onnx", Usage: "write the policy to `FILE`"},
			&cli.StringFlag{Name: "safetensors", Usage: "write the weights to `FILE`"},
			&cli.StringFlag{Name: "seat", Usage: "`ROLE` to export, if RUN has learnt several: attacker, defender"},
			&cli.BoolFlag{Name: "force", Usage: "replace files that exist"},
		},
		Action: export,
	}
}

func export(c *cli.Context) error {
	if c.NArg() != 1 {
		return usagef("idsrl export needs one RUN, after the flags: the folder of a run or a checkpoint file")
	}
	role, err := roleOf(c, "seat")
	if err != nil {
		return err
	}
	onnx, safetensors := c.String("onnx"), c.String("safetensors")
	switch {
	case onnx == "" && safetensors == "":
		return usagef("export to what? name a file with --onnx or --safetensors")
	case onnx == safetensors:
		return usagef("--onnx and --safetensors name the same file, %s", onnx)
	}
	for _, path := range []string{onnx, safetensors} {
		if _, err := os.Lstat(path); !c.Bool("force") && !errors.Is(err, fs.ErrNotExist) && path != "" {
			return usagef("%s exists; choose another name, or replace it with --force", path)
		}
	}
	saved, err := catalog().Open(c.Args().First())
	if err != nil {
		return err
	}
	model, err := saved.Model(role)
	if err != nil {
		return err
	}
	model.Metadata["idsrl"] = version
	if onnx != "" {
		if err := exportTo(c.App.Writer, onnx, model.WriteONNX); err != nil {
			return err
		}
		fmt.Fprint(c.App.Writer, model)
	}
	if safetensors != "" {
		return exportTo(c.App.Writer, safetensors, model.WriteTensors)
	}
	return nil
}

// exportTo writes a file and says so.
func exportTo(w io.Writer, path string, write func(io.Writer) error) error {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	if err := results.WriteFile(path, b.Bytes()); err != nil {
		return err
	}
	fmt.Fprintf(w, "%s: %d bytes\n", path, b.Len())
	return nil
}
