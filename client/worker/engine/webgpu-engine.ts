import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import { GradswarmError } from '../../../shared/base/errors.ts';
import { openBackend } from './backends.ts';
import { coreBuild } from './core-version.ts';
import type { EngineHome } from './engine-home.ts';
import type { DeviceEvents, OpenedDevice } from './start-engine.ts';
import { adapterBuild, adapterInWords, isSoftwareAdapter } from './webgpu-adapter.ts';

/** Limits that kernels run into; devices get the smallest values unless more is asked for. */
const wantedLimits = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeInvocationsPerWorkgroup',
] as const satisfies readonly (keyof GPUSupportedLimits)[];

/**
 * @throws GradswarmError `unavailable` where there is no adapter, or only an emulated one and `allowSoftware` is false.
 */
export async function requestAdapter(home: EngineHome, allowSoftware: boolean): Promise<GPUAdapter> {
  const gpu = await home.gpu();
  if (gpu === undefined) throw new GradswarmError('unavailable', home.gpuMissingReason);
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) {
    throw new GradswarmError(
      'unavailable',
      'WebGPU is here, but it finds no adapter: install or update the graphics driver, or use the wasm engine.',
    );
  }
  if (!allowSoftware && isSoftwareAdapter(adapter.info)) {
    throw new GradswarmError(
      'unavailable',
      `The only WebGPU adapter, ${adapterInWords(adapter.info)}, is slower than WebAssembly; choose webgpu ` +
        'explicitly to use it all the same.',
    );
  }
  return adapter;
}

/** A device with the adapter's own limits, as the back end `webgpu` in place of the one TensorFlow.js registers. */
export async function openWebgpuDevice(adapter: GPUAdapter, events: DeviceEvents): Promise<OpenedDevice> {
  const { info, limits, features } = adapter;
  const optional: readonly GPUFeatureName[] = ['timestamp-query'];
  const device = await adapter.requestDevice({
    requiredFeatures: optional.filter((feature) => features.has(feature)),
    requiredLimits: Object.fromEntries(wantedLimits.map((name) => [name, limits[name]])),
  });
  void device.lost.then(({ message, reason }) => events.lost(message || reason));
  device.addEventListener('uncapturederror', (event) => {
    event.preventDefault();
    events.error(event.error.message);
  });
  // An emulated adapter pays dearly for barriers in workgroups, with which the usual convolution shares its tiles.
  tf.env().set('WEBGPU_CONV_SEPARATE_IM2COL_SHADER', isSoftwareAdapter(info));
  removeBackend();
  tf.registerBackend('webgpu', () => new WebGPUBackend(device, info), 3);
  await openBackend('webgpu');
  return {
    build: `${coreBuild}, ${adapterBuild(info)}`,
    deviceInWords: adapterInWords(info),
    software: isSoftwareAdapter(info),
    close() {
      removeBackend();
      device.destroy();
    },
  };
}

function removeBackend(): void {
  if (tf.findBackendFactory('webgpu') === null) return;
  tf.removeBackend('webgpu');
}
