//go:build !amd64 || purego

package nets

func fastest() kernels[float32] { return plain32 }
