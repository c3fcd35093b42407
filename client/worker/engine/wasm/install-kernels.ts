import type { KernelFunc, KernelSetupFunc } from '@tensorflow/tfjs-core';
import { env, getKernel, registerKernel, unregisterKernel } from '@tensorflow/tfjs-core';
// Registers the stock kernels, which must be there before they are replaced.
import '@tensorflow/tfjs-backend-wasm';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { batchMatMul } from './batch-mat-mul.ts';
import { conv2DBackpropFilter, conv2DBackpropInput } from './convolution-gradient.ts';
import { depthwiseBackpropFilter, depthwiseBackpropInput } from './depthwise-gradient.ts';
import { fusedMatMul } from './fused-mat-mul.ts';
import { gather } from './gather.ts';
import { layerNormBackward, layerNormForward } from './layer-norm.ts';
import { maxPool3D, maxPool3DGradient } from './max-pool-3d.ts';
import { maxPoolGradient } from './max-pool-gradient.ts';
import { cast, identity } from './sharing.ts';
import { slice, split } from './slice.ts';
import { unsortedSegmentSum } from './unsorted-segment-sum.ts';
import type { WasmKernel } from './wasm-kernel.ts';
import { wasmRuntime } from './wasm-runtime.ts';

const trainingKernels: readonly WasmKernel[] = [
  batchMatMul,
  fusedMatMul,
  conv2DBackpropFilter,
  conv2DBackpropInput,
  depthwiseBackpropFilter,
  depthwiseBackpropInput,
  maxPoolGradient,
  maxPool3D,
  maxPool3DGradient,
  unsortedSegmentSum,
  gather,
  slice,
  split,
  identity,
  cast,
  layerNormForward,
  layerNormBackward,
];

const backendName = 'wasm';
const installed = new Set<KernelFunc>();

/**
 * Gives the WASM backend of TensorFlow.js the kernels it lacks for training, and faster ones for products, gradients
 * of convolutions and copies. The stock forward convolution stays: it is as fast. Call before `setBackend('wasm')`; a second call changes nothing.
 */
export function installWasmKernels(kernels: readonly WasmKernel[] = trainingKernels): void {
  // Kernels share the heap of the build without threads. A cross-origin isolated page would choose the other build.
  env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  for (const kernel of kernels) install(kernel);
}

function install(kernel: WasmKernel): void {
  const { kernelName } = kernel;
  // The types of TensorFlow.js leave out that the registry answers undefined for a kernel it does not have.
  const stock = getKernel(kernelName, backendName) as ReturnType<typeof getKernel> | undefined;
  if (stock !== undefined && installed.has(stock.kernelFunc)) return;
  const kernelFunc: KernelFunc = (call) => {
    if (kernel.accepts(call as never)) return kernel.run(call as never);
    if (stock !== undefined) return stock.kernelFunc(call);
    throw new Error(`The WASM backend computes ${kernelName} for float32 tensors in NHWC layout only.`);
  };
  installed.add(kernelFunc);
  if (stock !== undefined) unregisterKernel(kernelName, backendName);
  // Setup and disposal of the stock kernel still run, for the calls that it keeps.
  const setupFunc: KernelSetupFunc = (backend) => {
    stock?.setupFunc?.(backend);
    wasmRuntime(backend as BackendWasm);
  };
  registerKernel({ ...stock, kernelName, backendName, kernelFunc, setupFunc });
}
