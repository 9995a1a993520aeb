//go:build amd64 && !purego

package nets

import "golang.org/x/sys/cpu"

// runnable returns plain Go and the assembly that the processor and the system support.
func runnable() []kernels[float32] {
	sets := []kernels[float32]{plain32}
	if !cpu.X86.HasAVX2 || !cpu.X86.HasFMA {
		return sets
	}
	avx2 := kernels[float32]{
		gemm:        gemmAVX2,
		transpose:   transposeAVX2,
		tanh:        func(x []float32) { tanhAVX2(&x[0], len(x)) },
		tanhGrad:    func(d, y []float32) { tanhGradAVX2(&d[0], &y[:len(d)][0], len(d)) },
		relu:        func(x []float32) { reluAVX2(&x[0], len(x)) },
		reluGrad:    func(d, y []float32) { reluGradAVX2(&d[0], &y[:len(d)][0], len(d)) },
		softmax:     softmaxWrapper,
		softmaxGrad: softmaxGradWrapper,
		sumSquares:  func(x []float32) float32 { return sumSquaresAVX2(&x[0], len(x)) },
		adam:        adamWrapper,
	}
	sets = append(sets, avx2)
	if !cpu.X86.HasAVX512F {
		return sets
	}
	// Wider vectors halve the time of products. Of the rest, tanh would gain most: 2 % of an update.
	avx512 := avx2
	avx512.gemm = gemmAVX512
	return append(sets, avx512)
}

// The assembly, in kernels_amd64.s, gets pointers and element counts, all counts positive. Strides are in elements.

// gemm4x16 computes 4*blocks rows and 16 columns of c = init + a·b; gemm4xTail only the first width of them.
//
//go:noescape
func gemm4x16(c *float32, ldc int32, init *float32, ldinit int32, a *float32, row, col int32, b *float32, ldb int32, k, blocks int)

//go:noescape
func gemm4xTail(c *float32, ldc int32, init *float32, ldinit int32, a *float32, row, col int32, b *float32, ldb int32, k, blocks, width int)

// gemm8x32, for AVX-512, computes 8*blocks rows and width columns, at most 32.
//
//go:noescape
func gemm8x32(c *float32, ldc int32, init *float32, ldinit int32, a *float32, row, col int32, b *float32, ldb int32, k, blocks, width int)

// gemm1x64 computes one row and 64 columns of c = init + a·b; gemm1xTail width columns, at most 32.
//
//go:noescape
func gemm1x64(c, init, a *float32, col int32, b *float32, ldb int32, k int)

//go:noescape
func gemm1xTail(c, init, a *float32, col int32, b *float32, ldb int32, k, width int)

//go:noescape
func transpose8x8(dst *float32, dstRow int, src *float32, srcRow int)

//go:noescape
func tanhAVX2(x *float32, n int)

//go:noescape
func tanhGradAVX2(d, y *float32, n int)

//go:noescape
func reluAVX2(x *float32, n int)

//go:noescape
func reluGradAVX2(d, y *float32, n int)

//go:noescape
func softmaxAVX2(e, z, logits *float32, legal *bool, n int) (top, sum, sumEZ float32)

//go:noescape
func softmaxGradAVX2(d, e, z *float32, n int, a, b float32)

//go:noescape
func sumSquaresAVX2(x *float32, n int) float32

// adamAVX2 takes subnormal numbers for zeros: the moments of a parameter without gradients decay into them.
//
//go:noescape
func adamAVX2(p, gr, m, v *float32, n int, r *adamRates[float32])

// gemmAVX2 computes four rows at a time in panels of 16 columns, then the rows that are left. Blocks of rows
// and of k, to fit the caches, made no measurable difference to updates of 2048 rows.
func gemmAVX2(c, init, a, b matrix[float32], m, n, k int) {
	mustMultiply(c, init, a, b, m, n, k)
	if blocks := m / 4; blocks > 0 {
		j := 0
		for ; j+16 <= n; j += 16 {
			gemm4x16(&c.data[j], c.row, &init.data[j], init.row, &a.data[0], a.row, a.col, &b.data[j], b.row, k, blocks)
		}
		if j < n {
			gemm4xTail(&c.data[j], c.row, &init.data[j], init.row, &a.data[0], a.row, a.col, &b.data[j], b.row, k, blocks, n-j)
		}
	}
	for i := m &^ 3; i < m; i++ {
		gemmRow(c.from(i).data, init.from(i).data, a.from(i).data, a.col, b.data, b.row, n, k)
	}
}

// gemmRow computes one row.
func gemmRow(c, init, a []float32, col int32, b []float32, ldb int32, n, k int) {
	j := 0
	for ; j+64 <= n; j += 64 {
		gemm1x64(&c[j], &init[j], &a[0], col, &b[j], ldb, k)
	}
	for ; j < n; j += 32 {
		gemm1xTail(&c[j], &init[j], &a[0], col, &b[j], ldb, k, min(32, n-j))
	}
}

// gemmAVX512 computes eight rows at a time in panels of 32 columns and leaves the other rows to gemmAVX2. A single row would
// not be faster in wider vectors: each product waits for the sum before.
func gemmAVX512(c, init, a, b matrix[float32], m, n, k int) {
	if m < 8 {
		gemmAVX2(c, init, a, b, m, n, k)
		return
	}
	mustMultiply(c, init, a, b, m, n, k)
	for j := 0; j < n; j += 32 {
		gemm8x32(&c.data[j], c.row, &init.data[j], init.row, &a.data[0], a.row, a.col, &b.data[j], b.row, k, m/8, min(32, n-j))
	}
	if i := m &^ 7; i < m {
		gemmAVX2(c.from(i), init.from(i), a.from(i), b, m-i, n, k)
	}
}

func transposeAVX2(dst, src []float32, rows, cols int) {
	dst, src = dst[:rows*cols], src[:rows*cols]
	evenRows, evenCols := rows&^7, cols&^7
	for i := 0; i < evenRows; i += 8 {
		for j := 0; j < evenCols; j += 8 {
			transpose8x8(&dst[j*rows+i], rows, &src[i*cols+j], cols)
		}
	}
	for i := range rows {
		from := evenCols
		if i >= evenRows {
			from = 0
		}
		for j := from; j < cols; j++ {
			dst[j*rows+i] = src[i*cols+j]
		}
	}
}

func softmaxWrapper(e, z, logits []float32, legal []bool) (top, sum, sumEZ float32) {
	n := len(logits)
	return softmaxAVX2(&e[:n][0], &z[:n][0], &logits[0], &legal[:n][0], n)
}

func softmaxGradWrapper(d, e, z []float32, a, b float32) {
	n := len(d)
	softmaxGradAVX2(&d[0], &e[:n][0], &z[:n][0], n, a, b)
}

func adamWrapper(p, g, m, v []float32, r adamRates[float32]) {
	n := len(p)
	adamAVX2(&p[0], &g[:n][0], &m[:n][0], &v[:n][0], n, &r)
}
