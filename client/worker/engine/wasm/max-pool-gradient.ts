import type { MaxPoolGradAttrs, MaxPoolGradInputs } from '@tensorflow/tfjs-core';
import { backend_util, MaxPoolGrad, util } from '@tensorflow/tfjs-core';
import { defineKernel } from './wasm-kernel.ts';
import { makeZeros, pointerOf, wasmRuntime } from './wasm-runtime.ts';

/** `dy` goes to the first maximum of each window. */
export const maxPoolGradient = defineKernel<MaxPoolGradInputs, MaxPoolGradAttrs>(
  MaxPoolGrad,
  ({ inputs }) => inputs.input.dtype === 'float32' && inputs.dy.dtype === 'float32',
  ({ inputs, backend, attrs }) => {
    const { dy, input } = inputs;
    const info = backend_util.computePool2DInfo(
      input.shape as [number, number, number, number],
      attrs.filterSize,
      attrs.strides,
      1,
      attrs.pad,
      attrs.dimRoundingMode,
    );
    const output = makeZeros(backend, input.shape);
    if (util.sizeFromShape(input.shape) === 0 || util.sizeFromShape(dy.shape) === 0) return output;
    wasmRuntime(backend).kernels.maxPoolGradient(
      pointerOf(backend, input),
      pointerOf(backend, dy),
      pointerOf(backend, output),
      info.batchSize,
      info.inHeight,
      info.inWidth,
      info.inChannels,
      info.outHeight,
      info.outWidth,
      info.filterHeight,
      info.filterWidth,
      info.strideHeight,
      info.strideWidth,
      info.padInfo.top,
      info.padInfo.left,
    );
    return output;
  },
);
