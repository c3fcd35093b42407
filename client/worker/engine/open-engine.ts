import type { Engine, EngineChoice } from './engine.ts';
import type { EngineHome } from './engine-home.ts';

/**
 * Opens the chosen engine, or with `auto` the best that runs here: a hardware WebGPU adapter, then `tensorflow` where
 * it is installed, then `wasm`, then `cpu`.
 * @throws GradswarmError `unavailable` with the remedy, when the chosen engine cannot run here.
 */
export async function openEngine(choice: EngineChoice, home: EngineHome): Promise<Engine> {
  throw new Error(`not built yet: ${choice} ${home.gpuMissingReason}`);
}
