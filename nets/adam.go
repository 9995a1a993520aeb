package nets

import (
	"fmt"
	"math"
)

// Adam is the optimizer of Kingma and Ba 2015 (arXiv:1412.6980, algorithm 1). Its fields are all its state: an optimizer
// with the same fields goes on to the same bits.
type Adam[T Float] struct {
	Beta1, Beta2, Eps float64
	Steps             int // taken so far
	M, V              []T // first and second moments, laid out like the parameters
	kernels           *kernels[T]
}

// NewAdam returns an optimizer of n parameters with β₁ = 0.9, β₂ = 0.999 and ε = 1e-8. The fields may be changed before
// the first step.
func NewAdam[T Float](n int) *Adam[T] {
	return &Adam[T]{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, M: make([]T, n), V: make([]T, n), kernels: kernelsOf[T]()}
}

// Step updates params and sets grads to 0. It returns the norm of grads; if that is above maxNorm, the gradients are
// scaled down to maxNorm first, unless maxNorm is 0. With
//
//	m = β₁m + (1−β₁)g,   v = β₂v + (1−β₂)g²
//
// the step is params −= lr m̂ / (√v̂ + ε) for m̂ = m/(1−β₁ᵗ) and v̂ = v/(1−β₂ᵗ), rearranged so that the corrections are
// numbers, not passes. If the norm is not finite, neither will the parameters be: callers that can go on should look.
func (a *Adam[T]) Step(params, grads []T, lr, maxNorm float64) (norm float64) {
	if len(params) != len(a.M) || len(grads) != len(a.M) {
		panic(fmt.Sprintf("nets: Adam of %d parameters got %d and %d gradients", len(a.M), len(params), len(grads)))
	}
	norm = math.Sqrt(float64(a.kernels.sumSquares(grads)))
	scale := 1.0
	if maxNorm > 0 && norm > maxNorm {
		scale = maxNorm / norm
	}
	a.Steps++
	t := float64(a.Steps)
	unbias1, unbias2 := 1-math.Pow(a.Beta1, t), math.Sqrt(1-math.Pow(a.Beta2, t))
	a.kernels.adam(params, grads, a.M, a.V, adamRates[T]{
		scale: T(scale),
		beta1: T(a.Beta1), fresh1: T(1 - a.Beta1),
		beta2: T(a.Beta2), fresh2: T(1 - a.Beta2),
		step: T(lr * unbias2 / unbias1), eps: T(a.Eps * unbias2),
	})
	return norm
}

// Accumulate adds src to dst and sets src to 0: how gradients of several networks become those of one.
func Accumulate[T Float](dst, src []T) {
	dst = dst[:len(src)]
	for i, x := range src {
		dst[i] += x
	}
	clear(src)
}
