//go:build !amd64 || purego

package nets

func runnable() []kernels[float32] { return []kernels[float32]{plain32} }
