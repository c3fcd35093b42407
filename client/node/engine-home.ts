import { createRequire } from 'node:module';
import * as nodeUtil from 'node:util';
import { GradswarmError } from '../../shared/base/errors.ts';
import type { EngineHome } from '../worker/engine/engine-home.ts';

const tensorflowPackage = '@tensorflow/tfjs-node-gpu';

/** Dawn ends with the last reference to it, and so would its devices. */
let dawn: GPU | undefined;

export function createNodeEngineHome(): EngineHome {
  return {
    gpu: openDawn,
    gpuMissingReason:
      'WebGPU (Dawn) does not start here: on Linux it needs glibc 2.34, the Vulkan loader (Debian: libvulkan1) and ' +
      "the graphics card's driver. Install them, or use --backend wasm.",
    wasmFile: undefined,
    scriptEngine: `v8 ${process.versions.v8}`,
    loadTensorflow,
    contain: containProcessListeners,
  };
}

/** WebGPU as browsers have it, in the globals that TensorFlow.js reads. */
async function openDawn(): Promise<GPU | undefined> {
  if (dawn !== undefined) return dawn;
  if (process.platform === 'linux' && !isVulkanInstalled()) return undefined;
  try {
    const { create, globals } = await import('webgpu');
    dawn = create([]) as GPU;
    Object.assign(globalThis, globals);
    const navigator: object = (globalThis as { navigator?: object }).navigator ?? {};
    Object.defineProperty(navigator, 'gpu', { value: dawn, configurable: true });
    Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true, writable: true });
    return dawn;
  } catch {
    // The native library is missing for this platform, or its own libraries are.
    return undefined;
  }
}

/** Asks the linker, because Dawn would print its own complaint. The library is no addon, so this throws either way. */
function isVulkanInstalled(): boolean {
  try {
    process.dlopen({ exports: {} }, 'libvulkan.so.1');
    return true;
  } catch (error) {
    return error instanceof Error && !error.message.includes('cannot open shared object file');
  }
}

async function loadTensorflow(): Promise<void> {
  restoreNodeUtil();
  try {
    await import(tensorflowPackage);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new GradswarmError(
      'unavailable',
      `The tensorflow engine needs ${tensorflowPackage}, which does not load (${reason.split('\n')[0]}). Install it ` +
        `with: npm install --ignore-scripts=false ${tensorflowPackage}@4.22.0`,
    );
  }
}

/** Node 23 took functions out of `node:util` that tfjs-node 4.22 still calls. */
function restoreNodeUtil(): void {
  const util = createRequire(import.meta.url)('node:util') as Record<string, unknown>;
  const removed: Readonly<Record<string, (value: unknown) => boolean>> = {
    isNullOrUndefined: (value) => value === null || value === undefined,
    isArray: Array.isArray,
    isString: (value) => typeof value === 'string',
    isNumber: (value) => typeof value === 'number',
    isBoolean: (value) => typeof value === 'boolean',
    isObject: (value) => typeof value === 'object' && value !== null,
    isFunction: (value) => typeof value === 'function',
    isUndefined: (value) => value === undefined,
    isNull: (value) => value === null,
    isDate: nodeUtil.types.isDate,
    isRegExp: nodeUtil.types.isRegExp,
  };
  for (const [name, check] of Object.entries(removed)) util[name] ??= check;
}

/** Emscripten adds listeners that turn any rejection into a crash of its own; the process keeps its own policy. */
async function containProcessListeners<Result>(open: () => Promise<Result>): Promise<Result> {
  const events = ['uncaughtException', 'unhandledRejection'] as const;
  const before = new Map(events.map((event) => [event, new Set(process.rawListeners(event))]));
  try {
    return await open();
  } finally {
    for (const event of events) {
      for (const listener of process.rawListeners(event)) {
        if (before.get(event)?.has(listener) !== true) process.off(event, listener as () => void);
      }
    }
  }
}
