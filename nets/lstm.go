package nets

import "math/rand/v2"

// An lstm is a layer of long short-term memory (Hochreiter and Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735) with
// forget gates (Gers et al. 2000, doi:10.1162/089976600300015015). Step t of a sequence is
//
//	[z_i z_f z_o z_g] = [x_t h_{t−1}]·W + b
//	i = σ(z_i),   f = σ(z_f),   o = σ(z_o),   g = tanh z_g
//	c_t = f c_{t−1} + i g,   h_t = o tanh c_t
//
// Its output is h, its state (h, c). It goes through many sequences at once: rows steps[t] to steps[t+1] are step t and
// continue the first rows of step t−1, so that a sequence that ends stands after all that go on.
type lstm[T Float] struct {
	in, units int
	gates     dense[T] // [x h] → z
	kernels   *kernels[T]

	steps []int // first row of each step, and the number of rows
	start []T   // states before the first step [steps[1] x 2*units]

	input       []T // [x_t h_{t−1}]
	z           []T // i, f, o, g; after backward, the derivatives of the loss with respect to z
	before      []T // c_{t−1}
	c, tanhC, h []T
	dc          []T // derivatives with respect to c_t by way of c_{t+1}
	transposed  []T // W
	zeros       []T // one row of x
}

// newLSTM returns a layer of units cells.
func newLSTM[T Float](in, units int) *lstm[T] {
	return &lstm[T]{
		in: in, units: units, gates: dense[T]{in: in + units, out: 4 * units}, kernels: kernelsOf[T](),
		transposed: make([]T, (in+units)*4*units), zeros: make([]T, in),
	}
}

func (l *lstm[T]) size() int { return l.gates.size() }

func (l *lstm[T]) bind(params, grads []T) (restParams, restGrads []T) {
	return l.gates.bind(params, grads)
}

// initialize draws orthogonal weights for x and for h. Biases are 0, but 1 for the forget gates: what is in the memory
// stays there at first (Gers et al. 2000; Jozefowicz et al. 2015).
func (l *lstm[T]) initialize(rng *rand.Rand) {
	u, split := l.units, l.in*l.gates.out
	orthogonal(l.gates.w[:split], l.in, l.gates.out, 1, rng)
	orthogonal(l.gates.w[split:], u, l.gates.out, 1, rng)
	clear(l.gates.b)
	for i := range u {
		l.gates.b[u+i] = 1
	}
}

// tensors names the parameters; the columns are the input, forget and output gates and the candidates g.
func (l *lstm[T]) tensors() []Tensor[T] { return l.gates.tensors("lstm") }

// grow makes room for n rows.
func (l *lstm[T]) grow(n int) {
	l.input, l.z = resize(l.input, n*l.gates.in), resize(l.z, n*l.gates.out)
	l.before, l.c, l.tanhC = resize(l.before, n*l.units), resize(l.c, n*l.units), resize(l.tanhC, n*l.units)
	l.h, l.dc = resize(l.h, n*l.units), resize(l.dc, n*l.units)
}

// forward computes h [n x units] for x [n x in].
func (l *lstm[T]) forward(x []T, n int) []T {
	l.grow(n)
	k, u, in, wide, out := l.kernels, l.units, l.in, l.gates.in, l.gates.out
	for r := range n {
		copy(l.input[r*wide:][:in], x[r*in:])
	}
	for r := range l.steps[1] {
		state := l.start[r*2*u:]
		copy(l.input[r*wide+in:][:u], state)
		copy(l.before[r*u:][:u], state[u:])
	}
	// What x adds to z waits for no other step: one product for all rows.
	k.gemm(rowsOf(l.z, out), rowsOf(l.gates.b, 0), rowsOf(l.input, wide), rowsOf(l.gates.w, out), n, out, in)
	for t := range len(l.steps) - 1 {
		from, to := l.steps[t], l.steps[t+1]
		if t > 0 {
			last := l.steps[t-1]
			for r := range to - from {
				copy(l.input[(from+r)*wide+in:][:u], l.h[(last+r)*u:])
			}
			copy(l.before[from*u:to*u], l.c[last*u:])
		}
		z := rowsOf(l.z[from*out:], out)
		k.gemm(z, z, rowsOf(l.input[from*wide+in:], wide), rowsOf(l.gates.w[in*out:], out), to-from, out, u)
		l.step(from, to)
	}
	return l.h
}

// step computes the gates, c and h of rows from to to.
func (l *lstm[T]) step(from, to int) {
	u, out := l.units, l.gates.out
	// The gates by way of the hyperbolic tangent: σ(z) = (1 + tanh(z/2)) / 2.
	for r := from; r < to; r++ {
		z := l.z[r*out:][:3*u]
		for j := range z {
			z[j] /= 2
		}
	}
	l.kernels.tanh(l.z[from*out : to*out])
	for r := from; r < to; r++ {
		z, c, before := l.z[r*out:][:out], l.c[r*u:][:u], l.before[r*u:][:u]
		for j, y := range z[:3*u] {
			z[j] = (1 + y) / 2
		}
		i, f, g := z[:u], z[u:2*u], z[3*u:]
		for j := range c {
			c[j] = mul(f[j], before[j]) + mul(i[j], g[j])
		}
	}
	copy(l.tanhC[from*u:to*u], l.c[from*u:])
	l.kernels.tanh(l.tanhC[from*u : to*u])
	for r := from; r < to; r++ {
		h, o, tanhC := l.h[r*u:][:u], l.z[r*out+2*u:][:u], l.tanhC[r*u:][:u]
		for j := range h {
			h[j] = o[j] * tanhC[j]
		}
	}
}

// backward is backpropagation through time: it adds the gradients of the parameters for the derivatives dh [n x units]
// of the last output, which it overwrites, and writes those of x [n x in] to dx. It may follow a forward pass once.
// Start states have no derivatives.
func (l *lstm[T]) backward(dx, dh []T, n int) {
	k, u, in, wide, out := l.kernels, l.units, l.in, l.gates.in, l.gates.out
	k.transpose(l.transposed, l.gates.w, wide, out)
	clear(l.dc[:n*u])
	for t := len(l.steps) - 2; t >= 0; t-- {
		from, to := l.steps[t], l.steps[t+1]
		for r := from; r < to; r++ {
			l.stepGrad(r, dh[r*u:][:u])
		}
		if t > 0 {
			last := l.steps[t-1]
			copy(l.dc[last*u:], l.dc[from*u:to*u])
			d := rowsOf(dh[last*u:], u)
			k.gemm(d, d, rowsOf(l.z[from*out:], out), rowsOf(l.transposed[in:], wide), to-from, u, out)
		}
	}
	l.gates.backward(k, l.z, l.input, n)
	k.gemm(rowsOf(dx, in), rowsOf(l.zeros, 0), rowsOf(l.z, out), rowsOf(l.transposed, wide), n, in, out)
}

// stepGrad turns the gates of row r into the derivatives with respect to z, and dc into those of the c before.
func (l *lstm[T]) stepGrad(r int, dh []T) {
	u := l.units
	z, dc, tanhC, before := l.z[r*4*u:][:4*u], l.dc[r*u:][:u], l.tanhC[r*u:][:u], l.before[r*u:][:u]
	zi, zf, zo, zg := z[:u], z[u:2*u], z[2*u:3*u], z[3*u:]
	for j, d := range dh {
		i, f, o, g, y := zi[j], zf[j], zo[j], zg[j], tanhC[j]
		dcj := dc[j] + mul(d*o, 1-mul(y, y))
		zi[j] = dcj * g * i * (1 - i)
		zf[j] = dcj * before[j] * f * (1 - f)
		zo[j] = d * y * o * (1 - o)
		zg[j] = dcj * i * (1 - mul(g, g))
		dc[j] = dcj * f
	}
}
