import '@tensorflow/tfjs-backend-cpu';
import { openBackend } from './backends.ts';
import { coreBuild } from './core-version.ts';
import type { EngineHome } from './engine-home.ts';
import type { OpenedDevice } from './start-engine.ts';

/** Opens the back end in plain JavaScript, which runs everywhere and is what the others are compared with. */
export async function openCpuBackend(): Promise<void> {
  await openBackend('cpu');
}

export async function openCpuDevice(home: EngineHome): Promise<OpenedDevice> {
  await openCpuBackend();
  return {
    build: `${coreBuild}, ${home.scriptEngine}`,
    deviceInWords: 'JavaScript on the CPU',
    software: false,
    close: () => undefined,
  };
}
