import { expect, it } from 'vitest';
import type { JobRun } from '../../../../../server/core/coordinator-state.ts';
import { createCoordinatorState } from '../../../../../server/core/coordinator-state.ts';
import type { StoreRound } from '../../../../../server/core/effect-values.ts';
import type { Event } from '../../../../../server/core/events.ts';
import { createCollectSums } from '../../../../../server/runtime/edge/collect-sums.ts';
import { createLocalTrainer } from '../../../../../server/runtime/trainer/local-trainer.ts';
import { GradswarmError } from '../../../../../shared/base/errors.ts';
import { packSums } from '../../../../../shared/tensor/packed-sums.ts';
import { jobId, jobIn, length, memoryStores } from '../trainer/fixture.ts';

const good = packSums(new Float64Array(length).fill(0.5));
const shares = ['b', 'c'].map((coordinator, unit) => ({ coordinator, units: [unit], weight: 1 }));
const effect: StoreRound = { kind: 'storeRound', jobId, round: 0, weight: 2, edge: { serial: 7, shares } };

/** A leader that stores round 0, and followers that give these sums. */
async function collect(sums: { readonly [Coordinator: string]: Uint8Array }) {
  const state = createCoordinatorState({ seed: 1 });
  state.runs.set(jobId, { round: { phase: 'storing', serial: 7 } } as JobRun);
  const stores = memoryStores();
  const trainer = createLocalTrainer(stores);
  await trainer.open(jobIn(stores.blobs));
  const events: Event[] = [];
  const ended: string[] = [];
  const partials = await createCollectSums({
    state,
    trainer,
    host: { sessionOf: () => ({ epoch: 1, session: 1 }), end: (coordinator) => ended.push(coordinator) },
    peers: {
      async collectSum(from) {
        const bytes = sums[from];
        if (bytes === undefined) throw new GradswarmError('conflict', 'another sum');
        return bytes;
      },
    },
    post: (event) => events.push(event),
  })(effect);
  return { partials, events, ended };
}

it('hands on the sums of all followers', async () => {
  const { partials, events, ended } = await collect({ b: good, c: good });
  expect(partials).toEqual([good, good].map((bytes) => ({ weight: 1, bytes })));
  expect([events, ended]).toEqual([[], []]);
});

it.each<[string, Uint8Array, string]>([
  ['shorter', good.subarray(0, -1), 'wrongLength'],
  ['longer', new Uint8Array([...good, 0]), 'wrongLength'],
  ['empty', new Uint8Array(0), 'wrongLength'],
  ['off the grid', good.map((byte, index) => (index === 1 ? 60 : byte)), 'badRequest'],
  ['larger than updates are', packSums(new Float64Array(length).fill(5)), 'badRequest'],
])('tells the core of a sum that is %s, and ends the relay of its follower alone', async (_, bytes, code) => {
  const { partials, events, ended } = await collect({ b: good, c: bytes });
  expect(partials).toBeUndefined();
  expect(ended).toEqual(['c']);
  const refused = [{ coordinator: 'c', code, message: expect.any(String) }];
  expect(events).toEqual([{ kind: 'sumsMissing', jobId, serial: 7, coordinators: ['c'], refused }]);
});

it('tells the core of a sum that did not come', async () => {
  const { partials, events, ended } = await collect({ b: good });
  expect(partials).toBeUndefined();
  expect(ended).toEqual(['c']);
  expect(events).toEqual([{ kind: 'sumsMissing', jobId, serial: 7, coordinators: ['c'] }]);
});
