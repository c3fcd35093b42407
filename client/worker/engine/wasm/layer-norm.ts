import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { NamedAttrMap, Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { customGrad, engine, util } from '@tensorflow/tfjs-core';
import { defineKernel } from './wasm-kernel.ts';
import { makeOutput, makeZeros, pointerOf, wasmRuntime } from './wasm-runtime.ts';

interface ForwardInputs {
  readonly x: TensorInfo;
  readonly scale: TensorInfo;
  readonly offset: TensorInfo;
}
interface BackwardInputs {
  readonly x: TensorInfo;
  readonly dy: TensorInfo;
  readonly scale: TensorInfo;
  readonly statistics: TensorInfo;
}

/** Gives `y` and, for the gradient, `[mean, inverse deviation]` of each row. */
export const layerNormForward = defineKernel<ForwardInputs, { readonly epsilon: number }>(
  'GradswarmLayerNorm',
  () => true,
  ({ inputs, backend, attrs }) => {
    const { x, scale, offset } = inputs;
    const [rows, columns] = matrixSize(x);
    const y = makeOutput(backend, x.shape);
    const statistics = makeOutput(backend, [rows, 2]);
    if (rows > 0) {
      const pointers = addresses(backend, [x, y, scale, offset, statistics]);
      wasmRuntime(backend).kernels.layerNorm(...pointers, rows, columns, attrs.epsilon);
    }
    return [y, statistics];
  },
);

/** Gives the gradients of `x`, of the scale and of the offset. */
export const layerNormBackward = defineKernel<BackwardInputs, unknown>(
  'GradswarmLayerNormGrad',
  () => true,
  ({ inputs, backend }) => {
    const { x, dy, scale, statistics } = inputs;
    const [rows, columns] = matrixSize(x);
    const dx = makeOutput(backend, x.shape);
    const dScale = makeZeros(backend, [columns]);
    const dOffset = makeZeros(backend, [columns]);
    if (rows > 0) {
      const pointers = addresses(backend, [x, dy, scale, statistics, dx, dScale, dOffset]);
      wasmRuntime(backend).kernels.layerNormGradient(...pointers, rows, columns);
    }
    return [dx, dScale, dOffset];
  },
);

/**
 * Layer normalisation over the last axis of `x`, with gradients, as one kernel each way: about 33 operations of
 * TensorFlow.js. Float32, on the WASM backend after `installWasmKernels()`; the last axis is a multiple of four, and
 * `scale` and `offset` have its length.
 */
export function layerNorm(x: Tensor, scale: Tensor, offset: Tensor, epsilon: number): Tensor {
  const fused = customGrad((...args) => {
    const [input, weight, shift] = args as [Tensor, Tensor, Tensor];
    const save = args.at(-1) as unknown as (tensors: Tensor[]) => void;
    const [value, statistics] = run(
      layerNormForward.kernelName,
      { x: input, scale: weight, offset: shift },
      { epsilon },
    );
    if (value === undefined || statistics === undefined) throw new Error('the kernel gives two tensors');
    save([input, weight, statistics]);
    const gradFunc = (dy: Tensor, saved: Tensor[]) => {
      const [savedX, savedScale, savedStatistics] = saved as [Tensor, Tensor, Tensor];
      const inputs = { x: savedX, dy, scale: savedScale, statistics: savedStatistics };
      return run(layerNormBackward.kernelName, inputs, {});
    };
    return { value, gradFunc };
  });
  return fused(x, scale, offset);
}

function run(kernelName: string, inputs: Record<string, Tensor>, attrs: NamedAttrMap): Tensor[] {
  return engine().runKernel(kernelName, inputs, attrs) as Tensor[];
}

function addresses(backend: BackendWasm, tensors: TensorInfo[]): number[] {
  return tensors.map((tensor) => pointerOf(backend, tensor));
}

function matrixSize({ shape }: TensorInfo): [rows: number, columns: number] {
  const columns = shape.at(-1) ?? 0;
  util.assert(
    columns > 0 && columns % 4 === 0,
    () => `layerNorm needs a multiple of four columns, got ${columns}.`,
  );
  return [util.sizeFromShape(shape) / columns, columns];
}
