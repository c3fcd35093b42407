import '@tensorflow/tfjs-backend-cpu';
import { openBackend } from './backends.ts';

/** Opens the back end in plain JavaScript, which runs everywhere and is what the others are compared with. */
export async function openCpuBackend(): Promise<void> {
  await openBackend('cpu');
}
