import { GradswarmError } from '../../../shared/base/errors.ts';
import { enterBackend } from './backends.ts';
import type { Engine, EngineName } from './engine.ts';

/** What a device tells of itself outside of any call. */
export interface DeviceEvents {
  lost(reason: string): void;
  error(message: string): void;
}

export interface OpenedDevice {
  readonly build: string;
  readonly deviceInWords: string;
  readonly software: boolean;
  close(): void;
}

/** Opens a back end and makes it the current one. Called again by `rebuild`, after `close`. */
export type OpenDevice = (events: DeviceEvents) => Promise<OpenedDevice>;

export async function startEngine(name: EngineName, open: OpenDevice): Promise<Engine> {
  const listeners = new Set<(reason: string) => void>();
  const errors: string[] = [];
  let lost = false;
  let closed = false;
  let generation = 0;

  const openGeneration = (): Promise<OpenedDevice> => {
    generation += 1;
    const current = generation;
    return open({
      lost(reason) {
        // Word of a device that was closed or replaced on purpose.
        if (closed || current !== generation || lost) return;
        lost = true;
        for (const listener of listeners) listener(reason);
      },
      error(message) {
        if (current === generation) errors.push(message);
      },
    });
  };

  let device = await openGeneration();
  return {
    name,
    get determinismClass() {
      return { engine: name, build: device.build };
    },
    get deviceInWords() {
      return device.deviceInWords;
    },
    computesAside: name === 'webgpu',
    get software() {
      return device.software;
    },
    enter: () => enterBackend(name),
    isLost: () => lost,
    onLost(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    takeError() {
      const [oldest] = errors.splice(0);
      return oldest;
    },
    async rebuild() {
      if (closed) throw new GradswarmError('unavailable', `The ${name} engine is closed.`);
      device.close();
      errors.length = 0;
      device = await openGeneration();
      lost = false;
    },
    async close() {
      if (closed) return;
      closed = true;
      device.close();
    },
  };
}
