import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { GradswarmError } from '../../../shared/base/errors.ts';
import { hashText } from '../../../shared/base/random.ts';
import { openBackend } from './backends.ts';
import { coreBuild } from './core-version.ts';
import type { EngineHome } from './engine-home.ts';
import type { OpenedDevice } from './start-engine.ts';
import { installWasmKernels } from './wasm/install-kernels.ts';
import { kernelsBinary } from './wasm/kernels-binary.ts';

/** Identifies our kernels by their bytes. */
const kernelsBuild = hashText(JSON.stringify(kernelsBinary)).toString(16).padStart(8, '0');

/** The WASM back end of TensorFlow.js with our kernels; no threads and no relaxed SIMD, so that bits agree everywhere. */
export async function openWasmDevice(home: EngineHome): Promise<OpenedDevice> {
  installWasmKernels();
  if (!(await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT'))) {
    throw new GradswarmError(
      'unavailable',
      'This WebAssembly has no SIMD: update the browser or Node, or use the cpu engine.',
    );
  }
  if (home.wasmFile !== undefined && tf.findBackend('wasm') === null) setWasmPaths(filesAt(home.wasmFile));
  const open = (): Promise<void> => openBackend('wasm');
  await (home.contain === undefined ? open() : home.contain(open));
  return {
    build: `${coreBuild}, kernels ${kernelsBuild}`,
    deviceInWords: 'WebAssembly on the CPU',
    software: false,
    close: () => undefined,
  };
}

/** All three builds must be named, though only the one with SIMD and without threads is ever loaded. */
function filesAt(simdUrl: string): Parameters<typeof setWasmPaths>[0] {
  return {
    'tfjs-backend-wasm.wasm': simdUrl,
    'tfjs-backend-wasm-simd.wasm': simdUrl,
    'tfjs-backend-wasm-threaded-simd.wasm': simdUrl,
  };
}
