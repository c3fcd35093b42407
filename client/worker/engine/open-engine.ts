import { GradswarmError } from '../../../shared/base/errors.ts';
import { openCpuDevice } from './cpu-engine.ts';
import type { Engine, EngineChoice, EngineName } from './engine.ts';
import type { EngineHome } from './engine-home.ts';
import { startEngine } from './start-engine.ts';

/** Best first. */
const preference: readonly EngineName[] = ['webgpu', 'tensorflow', 'wasm', 'cpu'];

/**
 * Opens the chosen engine, or with `auto` the best that runs here: a hardware WebGPU adapter, then `tensorflow` where
 * it is installed, then `wasm`, then `cpu`. An adapter that is emulated on the CPU is used only when `webgpu` was
 * chosen by name.
 * @throws GradswarmError `unavailable` with the remedy, when the chosen engine cannot run here.
 */
export async function openEngine(choice: EngineChoice, home: EngineHome): Promise<Engine> {
  if (choice !== 'auto') return openNamed(choice, home, true);
  const reasons: string[] = [];
  for (const name of preference) {
    try {
      return await openNamed(name, home, false);
    } catch (error) {
      reasons.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new GradswarmError('unavailable', `No engine runs here. ${reasons.join(' ')}`);
}

/** Back ends are loaded when they are opened: a page that computes on WebGPU never downloads the others. */
async function openNamed(name: EngineName, home: EngineHome, allowSoftware: boolean): Promise<Engine> {
  switch (name) {
    case 'webgpu': {
      const { openWebgpuDevice, requestAdapter } = await import('./webgpu-engine.ts');
      return startEngine(name, async (events) =>
        // A lost device takes its adapter along: ask for a new one each time.
        openWebgpuDevice(await requestAdapter(home, allowSoftware), events),
      );
    }
    case 'tensorflow': {
      const { openTensorflowDevice } = await import('./tensorflow-engine.ts');
      return startEngine(name, () => openTensorflowDevice(home));
    }
    case 'wasm': {
      const { openWasmDevice } = await import('./wasm-engine.ts');
      return startEngine(name, () => openWasmDevice(home));
    }
    case 'cpu':
      return startEngine(name, () => openCpuDevice(home));
  }
}
