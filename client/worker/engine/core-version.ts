import { version_core } from '@tensorflow/tfjs-core';
import { hashText } from '../../../shared/base/random.ts';
import { kernelsBinary } from './wasm/kernels-binary.ts';

/** Raised whenever the worker core computes other bits from the same unit. */
const coreVersion = 1;

/** Identifies the arithmetic that all engines share. */
export const coreBuild = `core ${coreVersion}, tfjs ${version_core}`;

/** Identifies our WebAssembly kernels by their bytes. */
export const kernelsBuild = hashText(JSON.stringify(kernelsBinary)).toString(16).padStart(8, '0');
