package algos

// Layers is the settings of the hidden layers of any network, and of what computes its updates.
type Layers struct {
	Hidden     []int  `yaml:"hidden" range:"[1, 4096]" usage:"widths of the hidden layers"`
	Activation string `yaml:"activation" choice:"tanh|relu" usage:"of the hidden layers"`
	Backend    string `yaml:"backend" choice:"gorgonia|direct" usage:"what computes gradients: gorgonia, a graph of operations on own kernels; or direct, the same kernels without a graph, as always with an LSTM"`
}

// DefaultLayers is two layers.
func DefaultLayers(activation string) Layers {
	return Layers{Hidden: []int{64, 64}, Activation: activation, Backend: "gorgonia"}
}
