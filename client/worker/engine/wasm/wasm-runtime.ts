import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { DataType, TensorInfo } from '@tensorflow/tfjs-core';
import { util } from '@tensorflow/tfjs-core';
import { assert } from '../../../../shared/base/assert.ts';
import { kernelsBinary } from './kernels-binary.ts';

/** Functions of the .wat files; every argument is a pointer, a stride in bytes, a count or a flag. */
export interface KernelExports {
  gemmScratchBytes(): number;
  gemm: NumericFunction;
  patches: NumericFunction;
  depthwiseGradient: NumericFunction;
  maxPoolGradient: NumericFunction;
  copyRows: NumericFunction;
  gatherRows: (...numbers: number[]) => number;
  segmentSum: NumericFunction;
  addBias: NumericFunction;
  layerNorm: NumericFunction;
  layerNormGradient: NumericFunction;
}

type NumericFunction = (...numbers: number[]) => void;

/** Kernels bound to the heap of one backend, and the scratch they share. */
export interface WasmRuntime {
  readonly kernels: KernelExports;
  /** Pointer to `gemmScratchBytes` bytes. */
  readonly gemmScratch: number;
  /** Pointer to at least `bytes` bytes, valid until the next call. */
  scratch(bytes: number): number;
}

/** What the TensorFlow.js module holds beyond its types. */
interface EmscriptenHeap {
  readonly asm?: { readonly memory?: WebAssembly.Memory };
  /** Replaced when the heap grows: read it anew at each use. */
  readonly HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  _free(pointer: number): void;
}

const alignmentBytes = 64;
const runtimes = new WeakMap<BackendWasm, WasmRuntime>();

/**
 * Kernels on the heap of `backend`, instantiated once. Pointers stay valid when the heap grows; views do not, so
 * nothing here holds a view.
 */
export function wasmRuntime(backend: BackendWasm): WasmRuntime {
  let runtime = runtimes.get(backend);
  if (runtime === undefined) {
    runtime = createRuntime(backend);
    runtimes.set(backend, runtime);
  }
  return runtime;
}

function createRuntime(backend: BackendWasm): WasmRuntime {
  const memory = memoryOf(backend);
  const kernels = Object.assign(
    {},
    ...Object.values(kernelsBinary).map((base64) => instantiate(base64, memory)),
  ) as KernelExports;
  let scratchPointer = 0;
  let scratchBytes = 0;
  return {
    kernels,
    gemmScratch: allocate(backend, kernels.gemmScratchBytes()),
    scratch(bytes) {
      if (bytes > scratchBytes) {
        if (scratchPointer !== 0) heapOf(backend)._free(scratchPointer);
        scratchBytes = 0;
        scratchPointer = allocateRaw(backend, bytes + alignmentBytes);
        scratchBytes = bytes;
      }
      return align(scratchPointer);
    },
  };
}

function instantiate(base64: string, memory: WebAssembly.Memory): WebAssembly.Exports {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } }).exports;
}

function heapOf(backend: BackendWasm): EmscriptenHeap {
  return backend.wasm as unknown as EmscriptenHeap;
}

function memoryOf(backend: BackendWasm): WebAssembly.Memory {
  const memory = heapOf(backend).asm?.memory;
  assert(memory instanceof WebAssembly.Memory, 'the TensorFlow.js WASM backend exports its memory');
  assert(
    memory.buffer instanceof ArrayBuffer,
    'the WASM backend runs its build without threads; installWasmKernels() comes before setBackend()',
  );
  return memory;
}

function align(pointer: number): number {
  return Math.ceil(pointer / alignmentBytes) * alignmentBytes;
}

function allocate(backend: BackendWasm, bytes: number): number {
  return align(allocateRaw(backend, bytes + alignmentBytes));
}

function allocateRaw(backend: BackendWasm, bytes: number): number {
  const pointer = heapOf(backend)._malloc(bytes) >>> 0;
  assert(pointer !== 0, `the WASM heap has room for ${bytes} bytes; use a smaller batch`);
  return pointer;
}

/** Address of the first element of a tensor. */
export function pointerOf(backend: BackendWasm, tensor: TensorInfo): number {
  const data = backend.dataIdMap.get(tensor.dataId);
  return data.memoryOffset;
}

/** A new tensor with undefined contents. TensorFlow.js itself does not notice when the heap is full. */
export function makeOutput(backend: BackendWasm, shape: number[], dtype: DataType = 'float32'): TensorInfo {
  const output = backend.makeOutput(shape, dtype);
  const full = pointerOf(backend, output) === 0 && util.sizeFromShape(shape) > 0;
  assert(!full, `the WASM heap has room for a tensor of shape [${shape.join(', ')}]; use a smaller batch`);
  return output;
}

/** A new tensor of zeros. */
export function makeZeros(backend: BackendWasm, shape: number[], dtype: DataType = 'float32'): TensorInfo {
  const output = makeOutput(backend, shape, dtype);
  const start = pointerOf(backend, output);
  heapOf(backend).HEAPU8.fill(0, start, start + util.sizeFromShape(shape) * util.bytesPerElement(dtype));
  return output;
}
