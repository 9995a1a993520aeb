package nets

// Float is what a network computes in.
type Float interface{ float32 | float64 }

// A matrix is a view of a slice: element (i, j) is data[i*row + j*col]. A row stride of 0 repeats one row. Strides have 32
// bits to make a view of four words: Go keeps no larger struct in registers, and copies of one take a tenth of the time of
// acting.
type matrix[T Float] struct {
	data     []T
	row, col int32
}

// rowsOf views data as rows of the given width.
func rowsOf[T Float](data []T, width int) matrix[T] { return matrix[T]{data, int32(width), 1} }

// from leaves out the rows before i.
func (a matrix[T]) from(i int) matrix[T] { return matrix[T]{a.data[i*int(a.row):], a.row, a.col} }

// transposed swaps rows and columns without moving anything.
func (a matrix[T]) transposed() matrix[T] { return matrix[T]{a.data, a.col, a.row} }

// mustHold panics unless the view has m rows and n columns, both positive.
func (a matrix[T]) mustHold(m, n int) {
	_ = a.from(m - 1).data[(n-1)*int(a.col)]
}

// mustMultiply panics unless the operands of a product have the shapes that [kernels] asks for.
func mustMultiply[T Float](c, init, a, b matrix[T], m, n, k int) {
	c.mustHold(m, n)
	init.mustHold(m, n)
	a.mustHold(m, k)
	b.mustHold(k, n)
}

// kernels are the inner loops. All slices of a call have the same length except where noted; none may overlap another
// unless it is the same.
type kernels[T Float] struct {
	// gemm computes c = init + a·b for c and init [m x n], a [m x k], b [k x n]; init may be c. Rows of b, c and init are
	// contiguous. Each element is init plus the products in the order of k, whatever the shape, so that a row of c does
	// not depend on m.
	gemm func(c, init, a, b matrix[T], m, n, k int)
	// transpose writes src [rows x cols] as dst [cols x rows].
	transpose func(dst, src []T, rows, cols int)

	tanh     func(x []T)    // x = tanh x
	tanhGrad func(d, y []T) // d = d (1 − y²), y = tanh x
	relu     func(x []T)    // x = max(x, 0)
	reluGrad func(d, y []T) // d = d [y > 0]

	// softmax is the masked exponential of one row of logits: with M the largest legal logit, z = logit − M and e = exp z
	// where legal, both 0 elsewhere. It returns M (−∞ if nothing is legal), Σ e and Σ e z.
	softmax func(e, z, logits []T, legal []bool) (top, sum, sumEZ T)
	// softmaxGrad computes d = e (a + b z).
	softmaxGrad func(d, e, z []T, a, b T)

	sumSquares func(x []T) T
	// adam is one step for parameters p with gradients g and moments m and v; it sets g to 0.
	adam func(p, g, m, v []T, r adamRates[T])
}

// adamRates are the numbers of one Adam step, in the order that the assembly reads them.
type adamRates[T Float] struct {
	scale         T // what the gradient is multiplied by first
	beta1, fresh1 T // β₁ and 1 − β₁
	beta2, fresh2 T
	step, eps     T // learning rate and ε, both with the bias corrections
}

// float32Sets are the kernels that this machine can run, each set faster than the one before. The first is plain Go; all
// others compute the same bits.
var float32Sets = runnable()

// float32Kernels is what float32 networks run on; tests put others in its place.
var float32Kernels = float32Sets[len(float32Sets)-1]

var (
	plain32 = plainKernels(tanh32, exp32)
	plain64 = plainKernels(tanh64, exp64)
)

// kernelsOf returns the kernels of a type.
func kernelsOf[T Float]() *kernels[T] {
	if k, ok := any(&float32Kernels).(*kernels[T]); ok {
		return k
	}
	return any(&plain64).(*kernels[T])
}
