import { describe, expect, it } from 'vitest';
import { createRaft } from '../../../server/raft/create-raft.ts';
import { SessionTable } from '../../../server/raft/session-table.ts';
import { runSeed } from './run-seed.ts';

const core = { createRaft, SessionTable };

describe('a simulated world', () => {
  it('is the same in every run of its seed, recorded or not', () => {
    const story = (isRecorded: boolean) =>
      [3, 17, 91].map((seed) => {
        const { traceHash, eventCount, committedCount } = runSeed(core, seed, 4, isRecorded);
        return { traceHash, eventCount, committedCount };
      });
    expect(story(true)).toEqual(story(false));
  });

  it('differs from the world of another seed', () => {
    const hashes = [1, 2, 3, 4].map((seed) => runSeed(core, seed, 1).traceHash);
    expect(new Set(hashes).size).toBe(4);
  });
});
