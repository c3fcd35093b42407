import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { Add, Elu, LeakyRelu, Prelu, Sigmoid, util } from '@tensorflow/tfjs-core';
import { runRegistered } from './wasm-kernel.ts';
import { pointerOf, wasmRuntime } from './wasm-runtime.ts';

/** Bias and activation that TensorFlow.js fuses with a product or a convolution. */
export interface Epilogue {
  readonly bias: TensorInfo | undefined;
  readonly activation: string;
  readonly preluActivationWeights: TensorInfo | undefined;
  readonly leakyreluAlpha: number | undefined;
}

/** Activations that are a clamp; bounds of the clamp. The rest run the registered kernel of the same name. */
const clamps: Readonly<Record<string, readonly [low: number, high: number]>> = {
  linear: [-Infinity, Infinity],
  relu: [0, Infinity],
  relu6: [0, 6],
};

/** Adds the bias in place and applies the activation; consumes `output` and returns the result. */
export function applyEpilogue(backend: BackendWasm, output: TensorInfo, epilogue: Epilogue): TensorInfo {
  const { bias, activation } = epilogue;
  const columns = output.shape.at(-1) ?? 1;
  const perColumn =
    bias !== undefined && bias.shape.at(-1) === columns && util.sizeFromShape(bias.shape) === columns;
  const biased =
    bias === undefined || perColumn ? output : replace(backend, output, Add, { a: output, b: bias });
  const [low, high] = clamps[activation] ?? [-Infinity, Infinity];
  const size = util.sizeFromShape(biased.shape);
  if (size > 0 && (perColumn || low !== -Infinity)) {
    const { addBias } = wasmRuntime(backend).kernels;
    const biasPointer = perColumn ? pointerOf(backend, bias) : 0;
    addBias(pointerOf(backend, biased), size / columns, columns, biasPointer, low, high);
  }
  return activation in clamps ? biased : activate(backend, biased, epilogue);
}

function activate(backend: BackendWasm, x: TensorInfo, epilogue: Epilogue): TensorInfo {
  switch (epilogue.activation) {
    case 'elu':
      return replace(backend, x, Elu, { x });
    case 'sigmoid':
      return replace(backend, x, Sigmoid, { x });
    case 'leakyrelu':
      return replace(backend, x, LeakyRelu, { x }, { alpha: epilogue.leakyreluAlpha ?? 0 });
    case 'prelu':
      if (epilogue.preluActivationWeights !== undefined) {
        return replace(backend, x, Prelu, { x, alpha: epilogue.preluActivationWeights });
      }
  }
  throw new Error(`Activation ${epilogue.activation} is not one that TensorFlow.js fuses.`);
}

function replace(
  backend: BackendWasm,
  old: TensorInfo,
  kernelName: string,
  inputs: Record<string, TensorInfo>,
  attrs: Record<string, number> = {},
): TensorInfo {
  const result = runRegistered(backend, kernelName, inputs, attrs);
  backend.disposeData(old.dataId);
  return result;
}
