import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { BatchMatMulAttrs, BatchMatMulInputs, TensorInfo } from '@tensorflow/tfjs-core';
import { BatchMatMul, broadcast_util, util } from '@tensorflow/tfjs-core';
import { assert } from '../../../../shared/base/assert.ts';
import { denseView, multiply } from './matrix-product.ts';
import { defineKernel } from './wasm-kernel.ts';
import { makeOutput, makeZeros, pointerOf, wasmRuntime } from './wasm-runtime.ts';

/** `a[..., m, k] b[..., k, n]` with broadcast batch dimensions; either matrix may be stored transposed. */
export const batchMatMul = defineKernel<BatchMatMulInputs, BatchMatMulAttrs>(
  BatchMatMul,
  ({ inputs }) => inputs.a.dtype === 'float32' && inputs.b.dtype === 'float32',
  ({ inputs, backend, attrs }) =>
    batchProduct(backend, inputs.a, inputs.b, attrs.transposeA, attrs.transposeB),
);

/** The product behind `BatchMatMul` and `_FusedMatMul`. */
export function batchProduct(
  backend: BackendWasm,
  a: TensorInfo,
  b: TensorInfo,
  transposeA: boolean,
  transposeB: boolean,
): TensorInfo {
  const [rows, depth] = matrixShape(a.shape, transposeA);
  const [depthB, columns] = matrixShape(b.shape, transposeB);
  assert(depth === depthB, `inner sizes of matMul agree, got [${a.shape}] and [${b.shape}]`);
  const batchA = a.shape.slice(0, -2);
  const batchB = b.shape.slice(0, -2);
  const batch = broadcast_util.assertAndGetBroadcastShape(batchA, batchB);
  const shape = [...batch, rows, columns];
  if (util.sizeFromShape(shape) === 0 || depth === 0) return makeZeros(backend, shape);
  const output = makeOutput(backend, shape);
  const runtime = wasmRuntime(backend);
  // Fetched after the output is allocated, so that a tensor moved from another backend is on the heap by now.
  const [pointerA, pointerB, pointerC] = [a, b, output].map((tensor) => pointerOf(backend, tensor));
  assert(pointerA !== undefined && pointerB !== undefined && pointerC !== undefined, 'three operands');
  const count = util.sizeFromShape(batch);
  if (!transposeA && util.sizeFromShape(batchB) === 1) {
    // One right-hand side for the whole batch: the rows of all batches make one tall matrix.
    const left = denseView(pointerA, rows * count, depth, false);
    const right = denseView(pointerB, depth, columns, transposeB);
    multiply(runtime, left, right, pointerC, { rows: rows * count, columns, depth });
    return output;
  }
  const offsetsA = batchIndices(batchA, batch);
  const offsetsB = batchIndices(batchB, batch);
  for (let index = 0; index < count; index++) {
    const left = pointerA + offsetsA[index]! * rows * depth * 4;
    const right = pointerB + offsetsB[index]! * depth * columns * 4;
    multiply(
      runtime,
      denseView(left, rows, depth, transposeA),
      denseView(right, depth, columns, transposeB),
      pointerC + index * rows * columns * 4,
      { rows, columns, depth },
    );
  }
  return output;
}

function matrixShape(shape: readonly number[], transposed: boolean): [rows: number, columns: number] {
  const [rows, columns] = shape.slice(-2);
  assert(rows !== undefined && columns !== undefined, 'operands of matMul have two dimensions or more');
  return transposed ? [columns, rows] : [rows, columns];
}

/** For each index of the broadcast batch, the index of the matrix of an operand with batch dimensions `from`. */
function batchIndices(from: readonly number[], batch: readonly number[]): Int32Array {
  const count = util.sizeFromShape([...batch]);
  const indices = new Int32Array(count);
  let stride = 1;
  let repeat = 1;
  for (let axis = 1; axis <= batch.length; axis++) {
    const size = batch[batch.length - axis]!;
    const own = from[from.length - axis] ?? 1;
    if (own !== 1) {
      for (let index = 0; index < count; index++) {
        indices[index]! += (Math.floor(index / repeat) % size) * stride;
      }
    }
    stride *= own;
    repeat *= size;
  }
  return indices;
}
