//go:build amd64 && !purego

#include "textflag.h"

// Float32 kernels for AVX2 and FMA, and matrix products for AVX-512. Go's operand order: sources first, destination
// last; VFMADD231PS a, b, c is c += a*b, and VFMADD213PS a, b, c is c = b*c + a. Vectors that reach over the end of a
// row are loaded and stored under a mask, so that nothing outside of a slice is touched.

// mask holds 32 lanes that are on, then 32 that are off: the lanes of a vector of which the first n are on begin at
// mask + 4*(32-n).
DATA mask<>+0(SB)/8, $-1
DATA mask<>+8(SB)/8, $-1
DATA mask<>+16(SB)/8, $-1
DATA mask<>+24(SB)/8, $-1
DATA mask<>+32(SB)/8, $-1
DATA mask<>+40(SB)/8, $-1
DATA mask<>+48(SB)/8, $-1
DATA mask<>+56(SB)/8, $-1
DATA mask<>+64(SB)/8, $-1
DATA mask<>+72(SB)/8, $-1
DATA mask<>+80(SB)/8, $-1
DATA mask<>+88(SB)/8, $-1
DATA mask<>+96(SB)/8, $-1
DATA mask<>+104(SB)/8, $-1
DATA mask<>+112(SB)/8, $-1
DATA mask<>+120(SB)/8, $-1
GLOBL mask<>(SB), RODATA|NOPTR, $256

// MASK sets ptr to where the lanes begin of which the first n are on, 0 <= n <= 32. It overwrites n.
#define MASK(n, ptr) \
	LEAQ mask<>+128(SB), ptr \
	SHLQ $2, n               \
	SUBQ n, ptr

// Matrix products. In the kernels for blocks of four or eight rows
//
//	DI, R12  c and its row stride in bytes      SI, R13  init and its row stride
//	DX, R8   a and its row stride, R11 = 3*R8   R9       column stride of a
//	BX, R10  b and its row stride               CX       what is left of k
//	R14      blocks that are left

#define LOAD_ARGS_BLOCKS \
	MOVQ c+0(FP), DI           \
	MOVLQSX ldc+8(FP), R12     \
	MOVQ init+16(FP), SI       \
	MOVLQSX ldinit+24(FP), R13 \
	MOVQ a+32(FP), DX          \
	MOVLQSX row+40(FP), R8     \
	MOVLQSX col+44(FP), R9     \
	MOVLQSX ldb+56(FP), R10    \
	MOVQ blocks+72(FP), R14    \
	SHLQ $2, R12               \
	SHLQ $2, R13               \
	SHLQ $2, R8                \
	SHLQ $2, R9                \
	SHLQ $2, R10               \
	LEAQ (R8)(R8*2), R11

// In the one-row kernels, AX is a, R9 its column stride, BX and R10 are b and its row stride, CX is what is left of k.

#define LOAD_ARGS_1 \
	MOVQ c+0(FP), DI         \
	MOVQ init+8(FP), SI      \
	MOVQ a+16(FP), AX        \
	MOVLQSX col+24(FP), R9   \
	MOVQ b+32(FP), BX        \
	MOVLQSX ldb+40(FP), R10  \
	MOVQ k+48(FP), CX        \
	SHLQ $2, R9              \
	SHLQ $2, R10

// MULTIPLY_4 adds the product of four elements of a, at AX, and the vectors Y8 and Y9 of a row of b to the sums Y0..Y7,
// two vectors for each row.
#define MULTIPLY_4 \
	VBROADCASTSS (AX), Y10         \
	VBROADCASTSS (AX)(R8*1), Y11   \
	VBROADCASTSS (AX)(R8*2), Y12   \
	VBROADCASTSS (AX)(R11*1), Y13  \
	VFMADD231PS Y8, Y10, Y0        \
	VFMADD231PS Y9, Y10, Y1        \
	VFMADD231PS Y8, Y11, Y2        \
	VFMADD231PS Y9, Y11, Y3        \
	VFMADD231PS Y8, Y12, Y4        \
	VFMADD231PS Y9, Y12, Y5        \
	VFMADD231PS Y8, Y13, Y6        \
	VFMADD231PS Y9, Y13, Y7        \
	ADDQ R9, AX                    \
	ADDQ R10, BX                   \
	DECQ CX

// func gemm4x16(c *float32, ldc int32, init *float32, ldinit int32, a *float32, row, col int32, b *float32, ldb int32, k, blocks int)
TEXT ·gemm4x16(SB), NOSPLIT, $0-80
	LOAD_ARGS_BLOCKS
block:
	VMOVUPS (SI), Y0
	VMOVUPS 32(SI), Y1
	ADDQ    R13, SI
	VMOVUPS (SI), Y2
	VMOVUPS 32(SI), Y3
	ADDQ    R13, SI
	VMOVUPS (SI), Y4
	VMOVUPS 32(SI), Y5
	ADDQ    R13, SI
	VMOVUPS (SI), Y6
	VMOVUPS 32(SI), Y7
	ADDQ    R13, SI
	MOVQ    DX, AX
	MOVQ    b+48(FP), BX
	MOVQ    k+64(FP), CX
loop:
	VMOVUPS (BX), Y8
	VMOVUPS 32(BX), Y9
	MULTIPLY_4
	JNZ     loop
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	ADDQ    R12, DI
	VMOVUPS Y2, (DI)
	VMOVUPS Y3, 32(DI)
	ADDQ    R12, DI
	VMOVUPS Y4, (DI)
	VMOVUPS Y5, 32(DI)
	ADDQ    R12, DI
	VMOVUPS Y6, (DI)
	VMOVUPS Y7, 32(DI)
	ADDQ    R12, DI
	LEAQ    (DX)(R8*4), DX
	DECQ    R14
	JNZ     block
	VZEROUPPER
	RET

// func gemm4xTail(c *float32, ldc int32, init *float32, ldinit int32, a *float32, row, col int32, b *float32, ldb int32, k, blocks, width int)
TEXT ·gemm4xTail(SB), NOSPLIT, $0-88
	LOAD_ARGS_BLOCKS
	MOVQ    width+80(FP), CX
	MASK(CX, AX)
	VMOVUPS (AX), Y14
	VMOVUPS 32(AX), Y15
block:
	VMASKMOVPS (SI), Y14, Y0
	VMASKMOVPS 32(SI), Y15, Y1
	ADDQ       R13, SI
	VMASKMOVPS (SI), Y14, Y2
	VMASKMOVPS 32(SI), Y15, Y3
	ADDQ       R13, SI
	VMASKMOVPS (SI), Y14, Y4
	VMASKMOVPS 32(SI), Y15, Y5
	ADDQ       R13, SI
	VMASKMOVPS (SI), Y14, Y6
	VMASKMOVPS 32(SI), Y15, Y7
	ADDQ       R13, SI
	MOVQ       DX, AX
	MOVQ       b+48(FP), BX
	MOVQ       k+64(FP), CX
loop:
	VMASKMOVPS (BX), Y14, Y8
	VMASKMOVPS 32(BX), Y15, Y9
	MULTIPLY_4
	JNZ        loop
	VMASKMOVPS Y0, Y14, (DI)
	VMASKMOVPS Y1, Y15, 32(DI)
	ADDQ       R12, DI
	VMASKMOVPS Y2, Y14, (DI)
	VMASKMOVPS Y3, Y15, 32(DI)
	ADDQ       R12, DI
	VMASKMOVPS Y4, Y14, (DI)
	VMASKMOVPS Y5, Y15, 32(DI)
	ADDQ       R12, DI
	VMASKMOVPS Y6, Y14, (DI)
	VMASKMOVPS Y7, Y15, 32(DI)
	ADDQ       R12, DI
	LEAQ       (DX)(R8*4), DX
	DECQ       R14
	JNZ        block
	VZEROUPPER
	RET

// In the eight-row kernel AX is the first row of a block of a and R15 the fifth, Z(2i) and Z(2i+1) are the sums of row i,
// Z16 and Z17 a row of b, K1 and K2 the columns that there are.

// ROWS_8 does op to each row, given its element of a and its sums.
#define ROWS_8(op) \
	op((AX), Z0, Z1)           \
	op((AX)(R8*1), Z2, Z3)     \
	op((AX)(R8*2), Z4, Z5)     \
	op((AX)(R11*1), Z6, Z7)    \
	op((R15), Z8, Z9)          \
	op((R15)(R8*1), Z10, Z11)  \
	op((R15)(R8*2), Z12, Z13)  \
	op((R15)(R11*1), Z14, Z15)

#define INIT(x, sum0, sum1) \
	VMOVUPS.Z (SI), K1, sum0    \
	VMOVUPS.Z 64(SI), K2, sum1  \
	ADDQ R13, SI

#define MULTIPLY_16(x, sum0, sum1) \
	VBROADCASTSS x, Z18         \
	VFMADD231PS Z16, Z18, sum0

#define MULTIPLY_32(x, sum0, sum1) \
	MULTIPLY_16(x, sum0, sum1)  \
	VFMADD231PS Z17, Z18, sum1

#define STORE(x, sum0, sum1) \
	VMOVUPS sum0, K1, (DI)    \
	VMOVUPS sum1, K2, 64(DI)  \
	ADDQ R12, DI

#define NEXT_8 \
	ADDQ R9, AX   \
	ADDQ R9, R15  \
	ADDQ R10, BX  \
	DECQ CX

// func gemm8x32(c *float32, ldc int32, init *float32, ldinit int32, a *float32, row, col int32, b *float32, ldb int32, k, blocks, width int)
TEXT ·gemm8x32(SB), NOSPLIT, $0-88
	LOAD_ARGS_BLOCKS
	MOVQ  width+80(FP), CX
	MOVQ  $1, AX
	SHLQ  CX, AX
	DECQ  AX
	KMOVW AX, K1
	SHRQ  $16, AX
	KMOVW AX, K2
block:
	ROWS_8(INIT)
	MOVQ  DX, AX
	LEAQ  (DX)(R8*4), R15
	MOVQ  b+48(FP), BX
	MOVQ  k+64(FP), CX
	CMPQ  width+80(FP), $16
	JLE   narrow
wide:
	VMOVUPS.Z (BX), K1, Z16
	VMOVUPS.Z 64(BX), K2, Z17
	ROWS_8(MULTIPLY_32)
	NEXT_8
	JNZ       wide
	JMP       store
narrow: // one vector is enough
	VMOVUPS.Z (BX), K1, Z16
	ROWS_8(MULTIPLY_16)
	NEXT_8
	JNZ       narrow
store:
	ROWS_8(STORE)
	LEAQ (DX)(R8*8), DX
	DECQ R14
	JNZ  block
	VZEROUPPER
	RET

// func gemm1x64(c, init, a *float32, col int32, b *float32, ldb int32, k int)
TEXT ·gemm1x64(SB), NOSPLIT, $0-56
	LOAD_ARGS_1
	VMOVUPS (SI), Y0
	VMOVUPS 32(SI), Y1
	VMOVUPS 64(SI), Y2
	VMOVUPS 96(SI), Y3
	VMOVUPS 128(SI), Y4
	VMOVUPS 160(SI), Y5
	VMOVUPS 192(SI), Y6
	VMOVUPS 224(SI), Y7
loop:
	VBROADCASTSS (AX), Y8
	VFMADD231PS  (BX), Y8, Y0
	VFMADD231PS  32(BX), Y8, Y1
	VFMADD231PS  64(BX), Y8, Y2
	VFMADD231PS  96(BX), Y8, Y3
	VFMADD231PS  128(BX), Y8, Y4
	VFMADD231PS  160(BX), Y8, Y5
	VFMADD231PS  192(BX), Y8, Y6
	VFMADD231PS  224(BX), Y8, Y7
	ADDQ         R9, AX
	ADDQ         R10, BX
	DECQ         CX
	JNZ          loop
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	VMOVUPS Y2, 64(DI)
	VMOVUPS Y3, 96(DI)
	VMOVUPS Y4, 128(DI)
	VMOVUPS Y5, 160(DI)
	VMOVUPS Y6, 192(DI)
	VMOVUPS Y7, 224(DI)
	VZEROUPPER
	RET

// func gemm1xTail(c, init, a *float32, col int32, b *float32, ldb int32, k, width int)
TEXT ·gemm1xTail(SB), NOSPLIT, $0-64
	LOAD_ARGS_1
	MOVQ       width+56(FP), R11
	MASK(R11, R12)
	VMOVUPS    (R12), Y12
	VMOVUPS    32(R12), Y13
	VMOVUPS    64(R12), Y14
	VMOVUPS    96(R12), Y15
	VMASKMOVPS (SI), Y12, Y0
	VMASKMOVPS 32(SI), Y13, Y1
	VMASKMOVPS 64(SI), Y14, Y2
	VMASKMOVPS 96(SI), Y15, Y3
loop:
	VBROADCASTSS (AX), Y8
	VMASKMOVPS   (BX), Y12, Y4
	VMASKMOVPS   32(BX), Y13, Y5
	VMASKMOVPS   64(BX), Y14, Y6
	VMASKMOVPS   96(BX), Y15, Y7
	VFMADD231PS  Y4, Y8, Y0
	VFMADD231PS  Y5, Y8, Y1
	VFMADD231PS  Y6, Y8, Y2
	VFMADD231PS  Y7, Y8, Y3
	ADDQ         R9, AX
	ADDQ         R10, BX
	DECQ         CX
	JNZ          loop
	VMASKMOVPS Y0, Y12, (DI)
	VMASKMOVPS Y1, Y13, 32(DI)
	VMASKMOVPS Y2, Y14, 64(DI)
	VMASKMOVPS Y3, Y15, 96(DI)
	VZEROUPPER
	RET

// func transpose8x8(dst *float32, dstRow int, src *float32, srcRow int)
//
// Pairs of rows are interleaved by elements, then by pairs of elements, then by halves.
TEXT ·transpose8x8(SB), NOSPLIT, $0-32
	MOVQ    dst+0(FP), DI
	MOVQ    dstRow+8(FP), R8
	MOVQ    src+16(FP), SI
	MOVQ    srcRow+24(FP), R9
	SHLQ    $2, R8
	SHLQ    $2, R9
	LEAQ    (R8)(R8*2), R10
	LEAQ    (R9)(R9*2), R11
	LEAQ    (SI)(R9*4), DX
	VMOVUPS (SI), Y0
	VMOVUPS (SI)(R9*1), Y1
	VMOVUPS (SI)(R9*2), Y2
	VMOVUPS (SI)(R11*1), Y3
	VMOVUPS (DX), Y4
	VMOVUPS (DX)(R9*1), Y5
	VMOVUPS (DX)(R9*2), Y6
	VMOVUPS (DX)(R11*1), Y7

	VUNPCKLPS Y1, Y0, Y8
	VUNPCKHPS Y1, Y0, Y9
	VUNPCKLPS Y3, Y2, Y10
	VUNPCKHPS Y3, Y2, Y11
	VUNPCKLPS Y5, Y4, Y12
	VUNPCKHPS Y5, Y4, Y13
	VUNPCKLPS Y7, Y6, Y14
	VUNPCKHPS Y7, Y6, Y15

	VUNPCKLPD Y10, Y8, Y0
	VUNPCKHPD Y10, Y8, Y1
	VUNPCKLPD Y11, Y9, Y2
	VUNPCKHPD Y11, Y9, Y3
	VUNPCKLPD Y14, Y12, Y4
	VUNPCKHPD Y14, Y12, Y5
	VUNPCKLPD Y15, Y13, Y6
	VUNPCKHPD Y15, Y13, Y7

	VPERM2F128 $0x20, Y4, Y0, Y8
	VPERM2F128 $0x20, Y5, Y1, Y9
	VPERM2F128 $0x20, Y6, Y2, Y10
	VPERM2F128 $0x20, Y7, Y3, Y11
	VPERM2F128 $0x31, Y4, Y0, Y12
	VPERM2F128 $0x31, Y5, Y1, Y13
	VPERM2F128 $0x31, Y6, Y2, Y14
	VPERM2F128 $0x31, Y7, Y3, Y15

	LEAQ    (DI)(R8*4), DX
	VMOVUPS Y8, (DI)
	VMOVUPS Y9, (DI)(R8*1)
	VMOVUPS Y10, (DI)(R8*2)
	VMOVUPS Y11, (DI)(R10*1)
	VMOVUPS Y12, (DX)
	VMOVUPS Y13, (DX)(R8*1)
	VMOVUPS Y14, (DX)(R8*2)
	VMOVUPS Y15, (DX)(R10*1)
	VZEROUPPER
	RET

// Elementwise kernels: whole vectors first, CX of them, then the AX elements that are left, under the mask Y15.

// SPLIT sets CX = n/8 and AX = n%8, and Y15 to a mask of AX lanes. It overwrites R8.
#define SPLIT \
	MOVQ CX, AX        \
	ANDQ $7, AX        \
	SHRQ $3, CX        \
	MOVQ AX, R8        \
	MASK(R8, R9)       \
	VMOVUPS (R9), Y15

#define CONST(name, bits) \
	DATA name<>+0(SB)/4, bits \
	GLOBL name<>(SB), RODATA|NOPTR, $4

// Constants of tanh and exp as in kernels_plain.go, in the bits of float32.
CONST(tanhHi, $0x40fcf84f)
CONST(tanhLo, $0xc0fcf84f)
CONST(tanhP1, $0x3ba059dc)
CONST(tanhP3, $0x3a270ded)
CONST(tanhP5, $0x3779434a)
CONST(tanhP7, $0x335c0041)
CONST(tanhP9, $0xaebd37ff)
CONST(tanhP11, $0x2a61337e)
CONST(tanhP13, $0xa59f25c0)
CONST(tanhQ0, $0x3ba059dd)
CONST(tanhQ2, $0x3b14aa05)
CONST(tanhQ4, $0x38f895d6)
CONST(tanhQ6, $0x35a0d3d8)
CONST(expLog2E, $0x3fb8aa3b)
CONST(expLn2Hi, $0x3f318000)
CONST(expLn2Lo, $0xb95e8083)
CONST(expC7, $0x39506967)
CONST(expC6, $0x3ab743ce)
CONST(expC5, $0x3c088908)
CONST(expC4, $0x3d2aa9c1)
CONST(expC3, $0x3e2aaaaa)
CONST(expC2, $0x3f000000)
CONST(expLimit, $0xc2800000)
CONST(one, $0x3f800000)
CONST(negInf, $0xff800000)
CONST(expBias, $127)

// TANH replaces Y0 by its hyperbolic tangent, a rational function of odd over even degree, by way of Y1 and Y2. Y3..Y14
// hold constants.
#define TANH_CONSTANTS \
	VBROADCASTSS tanhHi<>(SB), Y3   \
	VBROADCASTSS tanhLo<>(SB), Y4   \
	VBROADCASTSS tanhP13<>(SB), Y5  \
	VBROADCASTSS tanhP11<>(SB), Y6  \
	VBROADCASTSS tanhP9<>(SB), Y7   \
	VBROADCASTSS tanhP7<>(SB), Y8   \
	VBROADCASTSS tanhP5<>(SB), Y9   \
	VBROADCASTSS tanhP3<>(SB), Y10  \
	VBROADCASTSS tanhP1<>(SB), Y11  \
	VBROADCASTSS tanhQ4<>(SB), Y12  \
	VBROADCASTSS tanhQ2<>(SB), Y13  \
	VBROADCASTSS tanhQ0<>(SB), Y14

#define TANH \
	VMINPS Y3, Y0, Y0              \
	VMAXPS Y4, Y0, Y0              \
	VMULPS Y0, Y0, Y1              \ // x²
	VMOVAPS Y5, Y2                 \
	VFMADD213PS Y6, Y1, Y2         \
	VFMADD213PS Y7, Y1, Y2         \
	VFMADD213PS Y8, Y1, Y2         \
	VFMADD213PS Y9, Y1, Y2         \
	VFMADD213PS Y10, Y1, Y2        \
	VFMADD213PS Y11, Y1, Y2        \
	VMULPS Y2, Y0, Y0              \ // the numerator
	VBROADCASTSS tanhQ6<>(SB), Y2  \
	VFMADD213PS Y12, Y1, Y2        \
	VFMADD213PS Y13, Y1, Y2        \
	VFMADD213PS Y14, Y1, Y2        \
	VDIVPS Y2, Y0, Y0

// func tanhAVX2(x *float32, n int)
TEXT ·tanhAVX2(SB), NOSPLIT, $0-16
	MOVQ  x+0(FP), DI
	MOVQ  n+8(FP), CX
	SPLIT
	TANH_CONSTANTS
	TESTQ CX, CX
	JZ    tail
loop:
	VMOVUPS (DI), Y0
	TANH
	VMOVUPS Y0, (DI)
	ADDQ    $32, DI
	DECQ    CX
	JNZ     loop
tail:
	TESTQ      AX, AX
	JZ         done
	VMASKMOVPS (DI), Y15, Y0
	TANH
	VMASKMOVPS Y0, Y15, (DI)
done:
	VZEROUPPER
	RET

// func tanhGradAVX2(d, y *float32, n int)
TEXT ·tanhGradAVX2(SB), NOSPLIT, $0-24
	MOVQ         d+0(FP), DI
	MOVQ         y+8(FP), SI
	MOVQ         n+16(FP), CX
	SPLIT
	VBROADCASTSS one<>(SB), Y3
	TESTQ        CX, CX
	JZ           tail
loop:
	VMOVUPS      (SI), Y1
	VMOVAPS      Y3, Y2
	VFNMADD231PS Y1, Y1, Y2 // 1 − y²
	VMULPS       (DI), Y2, Y2
	VMOVUPS      Y2, (DI)
	ADDQ         $32, SI
	ADDQ         $32, DI
	DECQ         CX
	JNZ          loop
tail:
	TESTQ        AX, AX
	JZ           done
	VMASKMOVPS   (DI), Y15, Y0
	VMASKMOVPS   (SI), Y15, Y1
	VMOVAPS      Y3, Y2
	VFNMADD231PS Y1, Y1, Y2
	VMULPS       Y0, Y2, Y2
	VMASKMOVPS   Y2, Y15, (DI)
done:
	VZEROUPPER
	RET

// func reluAVX2(x *float32, n int)
TEXT ·reluAVX2(SB), NOSPLIT, $0-16
	MOVQ   x+0(FP), DI
	MOVQ   n+8(FP), CX
	SPLIT
	VXORPS Y3, Y3, Y3
	TESTQ  CX, CX
	JZ     tail
loop:
	VMAXPS  (DI), Y3, Y0 // of two operands the second, in memory, if it is not a number
	VMOVUPS Y0, (DI)
	ADDQ    $32, DI
	DECQ    CX
	JNZ     loop
tail:
	TESTQ      AX, AX
	JZ         done
	VMASKMOVPS (DI), Y15, Y0
	VMAXPS     Y0, Y3, Y0
	VMASKMOVPS Y0, Y15, (DI)
done:
	VZEROUPPER
	RET

// func reluGradAVX2(d, y *float32, n int)
TEXT ·reluGradAVX2(SB), NOSPLIT, $0-24
	MOVQ   d+0(FP), DI
	MOVQ   y+8(FP), SI
	MOVQ   n+16(FP), CX
	SPLIT
	VXORPS Y3, Y3, Y3
	TESTQ  CX, CX
	JZ     tail
loop:
	VMOVUPS (SI), Y1
	VCMPPS  $6, Y3, Y1, Y2 // not y <= 0
	VANDPS  (DI), Y2, Y2
	VMOVUPS Y2, (DI)
	ADDQ    $32, SI
	ADDQ    $32, DI
	DECQ    CX
	JNZ     loop
tail:
	TESTQ      AX, AX
	JZ         done
	VMASKMOVPS (DI), Y15, Y0
	VMASKMOVPS (SI), Y15, Y1
	VCMPPS     $6, Y3, Y1, Y2
	VANDPS     Y0, Y2, Y2
	VMASKMOVPS Y2, Y15, (DI)
done:
	VZEROUPPER
	RET

// The masked softmax of a row. The first pass writes the logits to z, with −∞ where illegal, and finds the largest, Y0.
// The second subtracts it, takes exponentials and sums, Y6 = Σ e and Y7 = Σ e z.

// LEGAL widens the eight bools in X1 to lanes of Y1 that are all ones where true.
#define LEGAL \
	VPMOVZXBD X1, Y1      \
	VPCMPGTD Y14, Y1, Y1

// EXPONENTIAL turns Y2 = z − max, −∞ where illegal, and the lanes Y1 that there are into z = Y2 and e = Y5, both 0 where
// illegal, and adds to the sums. It needs Y15 = −∞ and overwrites Y3, Y4, Y8, Y9 and Y10.
#define EXPONENTIAL \
	VCMPPS $4, Y15, Y2, Y3          \ // legal: not −∞
	VANDPS Y1, Y3, Y3               \
	VANDPS Y3, Y2, Y2               \
	VBROADCASTSS expLog2E<>(SB), Y4 \
	VMULPS Y2, Y4, Y4               \
	VROUNDPS $8, Y4, Y4             \ // n, to the nearest
	VMOVAPS Y2, Y8                  \
	VBROADCASTSS expLn2Hi<>(SB), Y9 \
	VFNMADD231PS Y9, Y4, Y8         \
	VBROADCASTSS expLn2Lo<>(SB), Y9 \
	VFNMADD231PS Y9, Y4, Y8         \ // r
	VBROADCASTSS expC7<>(SB), Y5    \
	VBROADCASTSS expC6<>(SB), Y9    \
	VFMADD213PS Y9, Y8, Y5          \
	VBROADCASTSS expC5<>(SB), Y9    \
	VFMADD213PS Y9, Y8, Y5          \
	VBROADCASTSS expC4<>(SB), Y9    \
	VFMADD213PS Y9, Y8, Y5          \
	VBROADCASTSS expC3<>(SB), Y9    \
	VFMADD213PS Y9, Y8, Y5          \
	VBROADCASTSS expC2<>(SB), Y9    \
	VFMADD213PS Y9, Y8, Y5          \
	VMULPS Y8, Y8, Y10              \
	VFMADD213PS Y8, Y10, Y5         \
	VBROADCASTSS one<>(SB), Y9      \
	VADDPS Y9, Y5, Y5               \ // e^r
	VCVTPS2DQ Y4, Y4                \
	VPBROADCASTD expBias<>(SB), Y9  \
	VPADDD Y9, Y4, Y4               \
	VPSLLD $23, Y4, Y4              \ // the bits of 2^n
	VMULPS Y4, Y5, Y5               \
	VBROADCASTSS expLimit<>(SB), Y9 \
	VCMPPS $5, Y9, Y2, Y9           \ // not z < limit
	VANDPS Y9, Y3, Y3               \
	VANDPS Y3, Y5, Y5               \
	VADDPS Y5, Y6, Y6               \
	VFMADD231PS Y2, Y5, Y7

// REDUCE combines the eight lanes of y in the first one of x, its lower half, by way of X3.
#define REDUCE(op, y, x) \
	VEXTRACTF128 $1, y, X3      \
	op X3, x, x                 \
	VPERMILPS $0x4e, x, X3      \
	op X3, x, x                 \
	VPERMILPS $0xb1, x, X3      \
	op X3, x, x

// func softmaxAVX2(e, z, logits *float32, legal *bool, n int) (top, sum, sumEZ float32)
TEXT ·softmaxAVX2(SB), NOSPLIT, $0-52
	MOVQ         z+8(FP), DI
	MOVQ         logits+16(FP), SI
	MOVQ         legal+24(FP), DX
	MOVQ         n+32(FP), CX
	SPLIT
	VMOVAPS      Y15, Y13
	VBROADCASTSS negInf<>(SB), Y15
	VXORPS       Y14, Y14, Y14
	VMOVAPS      Y15, Y0
	MOVQ         CX, BX
	TESTQ        CX, CX
	JZ           maxTail
maxLoop:
	VMOVQ     (DX), X1
	LEGAL
	VMOVUPS   (SI), Y2
	VBLENDVPS Y1, Y2, Y15, Y2
	VMOVUPS   Y2, (DI)
	VMAXPS    Y2, Y0, Y0
	ADDQ      $8, DX
	ADDQ      $32, SI
	ADDQ      $32, DI
	DECQ      BX
	JNZ       maxLoop
maxTail:
	TESTQ AX, AX
	JZ    maxDone
	XORQ  R8, R8
	MOVQ  AX, BX
bytes: // the AX bools that are left, one by one, the last one first
	SHLQ    $8, R8
	MOVBQZX -1(DX)(BX*1), R9
	ORQ     R9, R8
	DECQ    BX
	JNZ     bytes
	VMOVQ      R8, X1
	LEGAL
	VMASKMOVPS (SI), Y13, Y2
	VBLENDVPS  Y1, Y2, Y15, Y2
	VMASKMOVPS Y2, Y13, (DI)
	VMAXPS     Y2, Y0, Y0
maxDone:
	REDUCE(VMAXPS, Y0, X0)
	VMOVSS       X0, top+40(FP)
	VBROADCASTSS X0, Y0
	VXORPS       Y6, Y6, Y6
	VXORPS       Y7, Y7, Y7
	VPCMPEQD     Y1, Y1, Y1
	MOVQ         e+0(FP), SI
	MOVQ         z+8(FP), DI
	TESTQ        CX, CX
	JZ           expTail
expLoop:
	VMOVUPS (DI), Y2
	VSUBPS  Y0, Y2, Y2
	EXPONENTIAL
	VMOVUPS Y2, (DI)
	VMOVUPS Y5, (SI)
	ADDQ    $32, SI
	ADDQ    $32, DI
	DECQ    CX
	JNZ     expLoop
expTail:
	TESTQ      AX, AX
	JZ         expDone
	VMOVAPS    Y13, Y1
	VMASKMOVPS (DI), Y13, Y2
	VSUBPS     Y0, Y2, Y2
	EXPONENTIAL
	VMASKMOVPS Y2, Y13, (DI)
	VMASKMOVPS Y5, Y13, (SI)
expDone:
	REDUCE(VADDPS, Y6, X6)
	REDUCE(VADDPS, Y7, X7)
	VMOVSS X6, sum+44(FP)
	VMOVSS X7, sumEZ+48(FP)
	VZEROUPPER
	RET

// func softmaxGradAVX2(d, e, z *float32, n int, a, b float32)
TEXT ·softmaxGradAVX2(SB), NOSPLIT, $0-40
	MOVQ         d+0(FP), DI
	MOVQ         e+8(FP), SI
	MOVQ         z+16(FP), DX
	MOVQ         n+24(FP), CX
	SPLIT
	VBROADCASTSS a+32(FP), Y3
	VBROADCASTSS b+36(FP), Y4
	TESTQ        CX, CX
	JZ           tail
loop:
	VMOVUPS     (DX), Y1
	VFMADD213PS Y3, Y4, Y1
	VMULPS      (SI), Y1, Y1
	VMOVUPS     Y1, (DI)
	ADDQ        $32, DX
	ADDQ        $32, SI
	ADDQ        $32, DI
	DECQ        CX
	JNZ         loop
tail:
	TESTQ       AX, AX
	JZ          done
	VMASKMOVPS  (SI), Y15, Y0
	VMASKMOVPS  (DX), Y15, Y1
	VFMADD213PS Y3, Y4, Y1
	VMULPS      Y0, Y1, Y1
	VMASKMOVPS  Y1, Y15, (DI)
done:
	VZEROUPPER
	RET

// func sumSquaresAVX2(x *float32, n int) float32
//
// Four vectors of sums hide the latency of the addition; the vectors of the last n%32 elements all go to the first.
TEXT ·sumSquaresAVX2(SB), NOSPLIT, $0-20
	MOVQ   x+0(FP), SI
	MOVQ   n+8(FP), CX
	SPLIT
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3
	SUBQ   $4, CX
	JL     rest
loop:
	VMOVUPS     (SI), Y4
	VMOVUPS     32(SI), Y5
	VMOVUPS     64(SI), Y6
	VMOVUPS     96(SI), Y7
	VFMADD231PS Y4, Y4, Y0
	VFMADD231PS Y5, Y5, Y1
	VFMADD231PS Y6, Y6, Y2
	VFMADD231PS Y7, Y7, Y3
	ADDQ        $128, SI
	SUBQ        $4, CX
	JGE         loop
rest:
	ADDQ $4, CX
	JZ   tail
vector:
	VMOVUPS     (SI), Y4
	VFMADD231PS Y4, Y4, Y0
	ADDQ        $32, SI
	DECQ        CX
	JNZ         vector
tail:
	VMASKMOVPS  (SI), Y15, Y4 // no lane is on if nothing is left
	VFMADD231PS Y4, Y4, Y0
	VADDPS      Y1, Y0, Y0
	VADDPS      Y3, Y2, Y2
	VADDPS      Y2, Y0, Y0
	REDUCE(VADDPS, Y0, X0)
	VMOVSS      X0, ret+16(FP)
	VZEROUPPER
	RET

// ADAM is one step for the gradients Y0, moments Y1 and Y2 and parameters Y3. Y8..Y14 hold the rates.
#define ADAM \
	VMULPS Y8, Y0, Y0         \
	VMULPS Y9, Y1, Y1         \
	VFMADD231PS Y10, Y0, Y1   \ // m
	VMULPS Y0, Y0, Y0         \
	VMULPS Y11, Y2, Y2        \
	VFMADD231PS Y12, Y0, Y2   \ // v
	VSQRTPS Y2, Y4            \
	VADDPS Y14, Y4, Y4        \
	VMULPS Y13, Y1, Y5        \
	VDIVPS Y4, Y5, Y5         \
	VSUBPS Y5, Y3, Y3

// func adamAVX2(p, gr, m, v *float32, n int, r *adamRates[float32])
TEXT ·adamAVX2(SB), NOSPLIT, $8-48
	STMXCSR      old-4(SP)
	MOVL         old-4(SP), AX
	ORL          $0x8040, AX // flush subnormal results to zero, and take subnormal operands for zeros
	MOVL         AX, new-8(SP)
	LDMXCSR      new-8(SP)
	MOVQ         p+0(FP), DI
	MOVQ         gr+8(FP), SI
	MOVQ         m+16(FP), DX
	MOVQ         v+24(FP), BX
	MOVQ         n+32(FP), CX
	MOVQ         r+40(FP), R10
	SPLIT
	VBROADCASTSS 0(R10), Y8
	VBROADCASTSS 4(R10), Y9
	VBROADCASTSS 8(R10), Y10
	VBROADCASTSS 12(R10), Y11
	VBROADCASTSS 16(R10), Y12
	VBROADCASTSS 20(R10), Y13
	VBROADCASTSS 24(R10), Y14
	VXORPS       Y7, Y7, Y7
	TESTQ        CX, CX
	JZ           tail
loop:
	VMOVUPS (SI), Y0
	VMOVUPS (DX), Y1
	VMOVUPS (BX), Y2
	VMOVUPS (DI), Y3
	ADAM
	VMOVUPS Y7, (SI)
	VMOVUPS Y1, (DX)
	VMOVUPS Y2, (BX)
	VMOVUPS Y3, (DI)
	ADDQ    $32, SI
	ADDQ    $32, DX
	ADDQ    $32, BX
	ADDQ    $32, DI
	DECQ    CX
	JNZ     loop
tail:
	TESTQ      AX, AX
	JZ         done
	VMASKMOVPS (SI), Y15, Y0
	VMASKMOVPS (DX), Y15, Y1
	VMASKMOVPS (BX), Y15, Y2
	VMASKMOVPS (DI), Y15, Y3
	ADAM
	VMASKMOVPS Y7, Y15, (SI)
	VMASKMOVPS Y1, Y15, (DX)
	VMASKMOVPS Y2, Y15, (BX)
	VMASKMOVPS Y3, Y15, (DI)
done:
	LDMXCSR old-4(SP)
	VZEROUPPER
	RET
