import { describe, expect, it } from 'vitest';
import { PendingBarriers } from '../../../../../server/runtime/raft/pending-barriers.ts';

/** A member that notes what is asked of it. */
function createBarriers() {
  const asked: number[] = [];
  const barriers = new PendingBarriers({ read: (readId) => asked.push(readId) }, 3);
  return { asked, barriers };
}

describe('barriers', () => {
  it('that come together share an attempt; those that come later do not', async () => {
    const { asked, barriers } = createBarriers();
    const together = [barriers.add(), barriers.add()];
    barriers.start();
    const later = barriers.add();
    barriers.start();
    expect(new Set(asked).size).toBe(2);
    const [first = 0, second = 0] = asked;
    barriers.settle([{ readId: first, index: 7 }]);
    expect(await Promise.all(together)).toEqual([7, 7]);
    barriers.settle([{ readId: second, index: 9 }]);
    expect(await later).toBe(9);
  });

  it('ask again under a fresh id, and take the answer to an earlier attempt', async () => {
    const { asked, barriers } = createBarriers();
    const barrier = barriers.add();
    barriers.start();
    for (let tick = 0; tick < 3; tick++) barriers.tick();
    expect(asked.length).toBe(2);
    expect(new Set(asked).size).toBe(2);
    barriers.settle([{ readId: asked[0] ?? 0, index: 4 }]);
    expect(await barrier).toBe(4);
    barriers.settle([{ readId: asked[1] ?? 0, index: 5 }]);
    for (let tick = 0; tick < 9; tick++) barriers.tick();
    expect(asked.length).toBe(2);
  });

  it('that nobody can answer are asked at the next tick, or when there is a leader', async () => {
    const { asked, barriers } = createBarriers();
    const barrier = barriers.add();
    barriers.start();
    barriers.settle([{ readId: asked[0] ?? 0, index: undefined }]);
    expect(asked.length).toBe(1);
    barriers.tick();
    expect(asked.length).toBe(2);
    barriers.retry();
    expect(asked.length).toBe(3);
    barriers.settle([{ readId: asked[2] ?? 0, index: 6 }]);
    expect(await barrier).toBe(6);
  });

  it('end when the log is closed', async () => {
    const { barriers } = createBarriers();
    const started = barriers.add();
    barriers.start();
    const fresh = barriers.add();
    barriers.close();
    await expect(started).rejects.toMatchObject({ code: 'unavailable' });
    await expect(fresh).rejects.toMatchObject({ code: 'unavailable' });
  });
});
