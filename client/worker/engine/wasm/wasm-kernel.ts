import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { getKernel } from '@tensorflow/tfjs-core';

/** What TensorFlow.js passes to a kernel: inputs by name, the backend and the attributes of the operation. */
export interface KernelCall<Inputs, Attributes> {
  /** The types of TensorFlow.js say that a required input may be undefined; it is not. */
  readonly inputs: { readonly [Name in keyof Inputs]: TensorInfo };
  readonly backend: BackendWasm;
  readonly attrs: Attributes;
}

/** One kernel of the table in `install-kernels.ts`. */
export interface WasmKernel {
  readonly kernelName: string;
  /** Whether the kernel computes this call itself; any other call goes to the stock kernel. */
  readonly accepts: (call: KernelCall<never, never>) => boolean;
  readonly run: (call: KernelCall<never, never>) => TensorInfo | TensorInfo[];
}

/** Names a kernel and keeps its own types of inputs and attributes, which the registry of TensorFlow.js erases. */
export function defineKernel<Inputs, Attributes>(
  kernelName: string,
  accepts: (call: KernelCall<Inputs, Attributes>) => boolean,
  run: (call: KernelCall<Inputs, Attributes>) => TensorInfo | TensorInfo[],
): WasmKernel {
  return { kernelName, accepts, run } as WasmKernel;
}

/** Runs a registered kernel of the WASM backend on tensor infos, outside of the gradient tape. */
export function runRegistered(
  backend: BackendWasm,
  kernelName: string,
  inputs: Record<string, TensorInfo>,
  attrs: NonNullable<Parameters<KernelFunc>[0]['attrs']> = {},
): TensorInfo {
  return getKernel(kernelName, 'wasm').kernelFunc({ inputs, backend, attrs }) as TensorInfo;
}
