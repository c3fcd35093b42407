import { version_core } from '@tensorflow/tfjs-core';

/** Raised whenever the worker core computes other bits from the same unit. */
const coreVersion = 1;

/** Identifies the arithmetic that all engines share. */
export const coreBuild = `core ${coreVersion}, tfjs ${version_core}`;
