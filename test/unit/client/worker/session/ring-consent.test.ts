import { expect, it } from 'vitest';
import type { RingTransport } from '../../../../../client/worker/ring/ring-channel.ts';
import { createHarness } from './support/harness.ts';

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
  await harness.until(() => coordinator.ringChannels !== undefined);
  expect(coordinator.registrations[0]?.ringChannels).toEqual(['relay']);
  expect(coordinator.ringChannels).toEqual(['relay']);
  isAllowed = true;
  await harness.until(() => coordinator.ringChannels?.includes('webrtc') === true);
  isAllowed = false;
  await harness.until(() => coordinator.ringChannels?.includes('webrtc') === false);
  expect(coordinator.registrations).toHaveLength(1);
  await core.stop();
});
