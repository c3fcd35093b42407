import { expect, it } from 'vitest';
import { openCpuBackend } from '../../../../../client/worker/engine/cpu-engine.ts';
import { type DeviceEvents, startEngine } from '../../../../../client/worker/engine/start-engine.ts';

/** The cpu back end, with the words of a device that this test speaks. */
async function speakingEngine() {
  const devices: DeviceEvents[] = [];
  let closed = 0;
  const engine = await startEngine('cpu', async (events) => {
    await openCpuBackend();
    devices.push(events);
    return {
      build: `device ${devices.length}`,
      deviceInWords: 'a device',
      software: false,
      close: () => {
        closed += 1;
      },
    };
  });
  const device = (index: number): DeviceEvents => {
    const found = devices[index];
    if (found === undefined) throw new Error(`device ${index} was never opened`);
    return found;
  };
  return { engine, device, closed: () => closed };
}

it('is lost once, tells its listeners, and is rebuilt', async () => {
  const { engine, device, closed } = await speakingEngine();
  const reasons: string[] = [];
  const forget = engine.onLost((reason) => reasons.push(reason));
  device(0).lost('driver reset');
  device(0).lost('driver reset');
  expect(engine.isLost()).toBe(true);
  expect(reasons).toEqual(['driver reset']);
  await engine.rebuild();
  expect(engine.isLost()).toBe(false);
  expect(closed()).toBe(1);
  expect(engine.determinismClass.build).toBe('device 2');
  device(1).lost('unplugged');
  forget();
  await engine.rebuild();
  device(2).lost('again');
  expect(reasons).toEqual(['driver reset', 'unplugged']);
});

it('ignores the last words of a device that was replaced or closed', async () => {
  const { engine, device } = await speakingEngine();
  await engine.rebuild();
  device(0).lost('destroyed');
  device(0).error('late');
  expect(engine.isLost()).toBe(false);
  expect(engine.takeError()).toBeUndefined();
  await engine.close();
  device(1).lost('destroyed');
  expect(engine.isLost()).toBe(false);
});

it('hands over the oldest error, once', async () => {
  const { engine, device } = await speakingEngine();
  device(0).error('first');
  device(0).error('second');
  expect(engine.takeError()).toBe('first');
  expect(engine.takeError()).toBeUndefined();
});
