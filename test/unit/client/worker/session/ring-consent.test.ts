import { expect, it } from 'vitest';
import type { RingTransport } from '../../../../../client/worker/ring/ring-channel.ts';
import { createHarness } from './support/harness.ts';

it('says of an update that it keeps for a ring that none of it was sent', async () => {
  const harness = createHarness({ worker: { ports: { ringTransports: [] } } });
  const { coordinator, core, until } = harness;
  coordinator.behaviour.ringId = 7;
  core.start();
  await until(() => coordinator.contributions.length >= 2);
  expect(coordinator.contributions[0]?.ringId).toBe(7);
  expect(core.status()).toMatchObject({ codec: 'int8', updateBytes: 0, updateValues: 300 });
  await core.stop();
});

it('offers direct channels while there is consent, and tells with the next heartbeat when that changes', async () => {
  let isAllowed = false;
  const transport: RingTransport = {
    kind: 'webrtc',
    get isAllowed() {
      return isAllowed;
    },
    open: () => Promise.reject(new Error('nobody makes a plan here')),
  };
  const harness = createHarness({ worker: { ports: { ringTransports: [transport] } } });
  const { coordinator, core } = harness;
  core.start();
  const beats = async (count: number): Promise<void> => {
    const until = coordinator.heartbeats + count;
    await harness.until(() => coordinator.heartbeats >= until);
  };
  await beats(2);
  expect(coordinator.registrations[0]?.ringChannels).toEqual(['relay']);
  expect(coordinator.ringChannelsNamed).toEqual([]);
  isAllowed = true;
  await beats(3);
  expect(coordinator.ringChannelsNamed).toEqual([['relay', 'webrtc']]);
  isAllowed = false;
  await beats(3);
  expect(coordinator.ringChannelsNamed).toEqual([['relay', 'webrtc'], ['relay']]);
  expect(coordinator.registrations).toHaveLength(1);
  await core.stop();
});
