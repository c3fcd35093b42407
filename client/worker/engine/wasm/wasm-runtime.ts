import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { DataType, TensorInfo } from '@tensorflow/tfjs-core';
import { util } from '@tensorflow/tfjs-core';
import { assert } from '../../../../shared/base/assert.ts';
import { GradswarmError } from '../../../../shared/base/errors.ts';
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
  const heap = heapOf(backend);
  guardAllocation(heap);
  const kernels = Object.assign(
    {},
    ...Object.values(kernelsBinary).map((base64) => instantiate(base64, memory)),
  ) as KernelExports;
  let scratchPointer = 0;
  let scratchBytes = 0;
  return {
    kernels,
    gemmScratch: align(heap._malloc(kernels.gemmScratchBytes() + alignmentBytes) >>> 0),
    scratch(bytes) {
      if (bytes > scratchBytes) {
        // The larger block first: when there is no room for it, the smaller one stays.
        const pointer = heap._malloc(bytes + alignmentBytes) >>> 0;
        if (scratchPointer !== 0) heap._free(scratchPointer);
        scratchPointer = pointer;
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

/**
 * Makes a full heap an error. TensorFlow.js does not look at the result of malloc: it would write the tensor to address
 * zero, over the data of its own module.
 */
function guardAllocation(heap: EmscriptenHeap): void {
  // The first call of an Emscripten function replaces the property; only what stands there afterwards can be wrapped.
  heap._free(heap._malloc(1));
  const allocate = heap._malloc;
  heap._malloc = (bytes) => {
    const pointer = bytes < 2 ** 32 ? allocate(bytes) : 0;
    if (pointer !== 0) return pointer;
    const mebibytes = Math.ceil(bytes / 2 ** 20);
    throw new GradswarmError(
      'tooLarge',
      `No room for ${mebibytes} MiB on the WASM heap; use a smaller batch or model.`,
    );
  };
}

/** Address of the first element of a tensor. */
export function pointerOf(backend: BackendWasm, tensor: TensorInfo): number {
  const data = backend.dataIdMap.get(tensor.dataId);
  return data.memoryOffset;
}

/** A new tensor with undefined contents. */
export function makeOutput(backend: BackendWasm, shape: number[], dtype: DataType = 'float32'): TensorInfo {
  return backend.makeOutput(shape, dtype);
}

/** A new tensor of zeros. */
export function makeZeros(backend: BackendWasm, shape: number[], dtype: DataType = 'float32'): TensorInfo {
  const output = makeOutput(backend, shape, dtype);
  const start = pointerOf(backend, output);
  heapOf(backend).HEAPU8.fill(0, start, start + util.sizeFromShape(shape) * util.bytesPerElement(dtype));
  return output;
}
