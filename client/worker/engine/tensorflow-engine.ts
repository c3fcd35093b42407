import { GradswarmError } from '../../../shared/base/errors.ts';
import { openBackend } from './backends.ts';
import { coreBuild } from './core-version.ts';
import type { EngineHome } from './engine-home.ts';
import type { OpenedDevice } from './start-engine.ts';

/** TensorFlow's own library through `@tensorflow/tfjs-node-gpu`, where the operator has installed it. */
export async function openTensorflowDevice(home: EngineHome): Promise<OpenedDevice> {
  if (home.loadTensorflow === undefined) {
    throw new GradswarmError(
      'unavailable',
      'The tensorflow engine runs in Node only; use webgpu or wasm here.',
    );
  }
  await home.loadTensorflow();
  await openBackend('tensorflow');
  return {
    build: `${coreBuild}, libtensorflow`,
    deviceInWords: 'TensorFlow library',
    software: false,
    close: () => undefined,
  };
}
