import type { UnsortedSegmentSumAttrs, UnsortedSegmentSumInputs } from '@tensorflow/tfjs-core';
import { Cast, UnsortedSegmentSum, util } from '@tensorflow/tfjs-core';
import { assert } from '../../../../shared/base/assert.ts';
import { defineKernel, runRegistered } from './wasm-kernel.ts';
import { makeZeros, pointerOf, wasmRuntime } from './wasm-runtime.ts';

/**
 * `output[s] = sum of x[i] where segmentIds[i] = s`, added in the order of i; the gradient of an embedding. The result
 * is float32 for every type of `x`, as it is on the CPU backend. The stock backend has no such kernel.
 */
export const unsortedSegmentSum = defineKernel<UnsortedSegmentSumInputs, UnsortedSegmentSumAttrs>(
  UnsortedSegmentSum,
  ({ inputs }) => inputs.segmentIds.dtype === 'int32',
  ({ inputs, backend, attrs }) => {
    const { x, segmentIds } = inputs;
    assert(
      segmentIds.shape.length === 1 && segmentIds.shape[0] === x.shape[0],
      'one segment id for each row of x',
    );
    const rowShape = x.shape.slice(1);
    const output = makeZeros(backend, [attrs.numSegments, ...rowShape]);
    if (util.sizeFromShape(x.shape) === 0) return output;
    const isFloat = x.dtype === 'float32';
    const values = isFloat ? x : runRegistered(backend, Cast, { x }, { dtype: 'float32' });
    wasmRuntime(backend).kernels.segmentSum(
      pointerOf(backend, values),
      pointerOf(backend, segmentIds),
      pointerOf(backend, output),
      segmentIds.shape[0] ?? 0,
      util.sizeFromShape(rowShape),
      attrs.numSegments,
    );
    if (!isFloat) backend.disposeData(values.dataId);
    return output;
  },
);
