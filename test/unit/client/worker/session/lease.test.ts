import { describe, expect, it } from 'vitest';
import { decideLease, type HeldLease } from '../../../../../client/worker/session/lease.ts';

const lease: HeldLease = {
  leaseId: 'l',
  jobId: 'j',
  kind: 'train',
  round: 5,
  unit: 0,
  version: 5,
  parametersHash: 'h5',
  mayUseNewer: false,
  codec: '',
  ringId: 0,
  epoch: 1,
  deadlineAtMs: 1_000,
  sampleStart: 0,
  sampleCount: 8,
  seed: 1,
};

describe('decideLease', () => {
  it.each([
    ['nothing is held', undefined, 0, 'resync'],
    ['the version is held', { version: 5, hash: 'h5' }, 0, 'compute'],
    ['the version is held with another hash', { version: 5, hash: 'x' }, 0, 'resync'],
    ['an older version is held', { version: 4, hash: 'h4' }, 0, 'wait'],
    ['a newer version is held', { version: 6, hash: 'h6' }, 0, 'release'],
    ['the deadline is past', { version: 5, hash: 'h5' }, 1_000, 'release'],
  ] as const)('when %s', (_, held, nowMs, decision) => {
    expect(decideLease(lease, held, nowMs)).toBe(decision);
  });

  it('takes a newer version where the unit may be computed from it', () => {
    const free = { ...lease, mayUseNewer: true };
    expect([4, 6].map((version) => decideLease(free, { version, hash: '' }, 0))).toEqual(['wait', 'compute']);
  });
});
