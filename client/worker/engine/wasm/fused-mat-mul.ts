import type { _FusedMatMulAttrs, _FusedMatMulInputs } from '@tensorflow/tfjs-core';
import { _FusedMatMul } from '@tensorflow/tfjs-core';
import { batchProduct } from './batch-mat-mul.ts';
import { applyEpilogue } from './epilogue.ts';
import { defineKernel } from './wasm-kernel.ts';

/** `activation(a b + bias)`. */
export const fusedMatMul = defineKernel<_FusedMatMulInputs, _FusedMatMulAttrs>(
  _FusedMatMul,
  ({ inputs }) => inputs.a.dtype === 'float32' && inputs.b.dtype === 'float32',
  ({ inputs, backend, attrs }) => {
    const product = batchProduct(backend, inputs.a, inputs.b, attrs.transposeA, attrs.transposeB);
    return applyEpilogue(backend, product, {
      bias: inputs.bias,
      activation: attrs.activation,
      preluActivationWeights: inputs.preluActivationWeights,
      leakyreluAlpha: attrs.leakyreluAlpha,
    });
  },
);
