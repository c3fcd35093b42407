import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { CastAttrs, CastInputs, IdentityInputs, TensorInfo } from '@tensorflow/tfjs-core';
import { Cast, Identity, NotEqual } from '@tensorflow/tfjs-core';
import { defineKernel, runRegistered } from './wasm-kernel.ts';
import { makeZeros } from './wasm-runtime.ts';

/** A tensor that shares the data of another: data is counted and never written again, as in the stock `Reshape`. */
export const identity = defineKernel<IdentityInputs, unknown>(
  Identity,
  ({ inputs }) => inputs.x.dtype !== 'string',
  ({ inputs, backend }) => share(backend, inputs.x),
);

/**
 * A cast to the type that the tensor has, of which gradients make one for each operand, and a cast to bool, for which
 * the stock kernel stores the number modulo 256.
 */
export const cast = defineKernel<CastInputs, CastAttrs>(
  Cast,
  ({ inputs, attrs }) =>
    inputs.x.dtype !== 'string' && (inputs.x.dtype === attrs.dtype || attrs.dtype === 'bool'),
  ({ inputs, backend, attrs }) => {
    if (inputs.x.dtype === attrs.dtype) return share(backend, inputs.x);
    const zero = makeZeros(backend, [], inputs.x.dtype);
    const result = runRegistered(backend, NotEqual, { a: inputs.x, b: zero });
    backend.disposeData(zero.dataId);
    return result;
  },
);

function share(backend: BackendWasm, { dataId, shape, dtype }: TensorInfo): TensorInfo {
  backend.incRef(dataId);
  return { dataId, shape, dtype };
}
