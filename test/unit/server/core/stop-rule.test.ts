import { describe, expect, it } from 'vitest';
import { createJobRecord } from '../../../../server/core/job-record.ts';
import { fractionDone, remainingMs, stopReason } from '../../../../server/core/stop-rule.ts';
import type { StopRule } from '../../../../shared/job/job-document.ts';
import { submission } from './fixtures.ts';

const evaluation = { version: 4, loss: 0.5, accuracy: 0.9, samples: 10, atMs: 0 };
const jobWith = (stop: StopRule) => ({ ...createJobRecord(submission({ stop })), version: 4, evaluation });

describe('the stop rule', () => {
  it.each<[StopRule, number, string | undefined]>([
    [{ rounds: 4 }, 0, 'All 4 rounds are done.'],
    [{ rounds: 5 }, 0, undefined],
    [{ durationMs: 3_000 }, 3_000, 'The job ran for 3 seconds.'],
    [{ durationMs: 3_000 }, 2_999, undefined],
    [{ accuracy: 0.9 }, 0, 'Test accuracy 90.00 % reached 90.00 %.'],
    [{ accuracy: 0.91 }, 0, undefined],
    [{ loss: 0.5 }, 0, 'Loss 0.5000 reached 0.5.'],
    [{ loss: 0.4 }, 0, undefined],
    [{ rounds: 9, accuracy: 0.8 }, 0, 'Test accuracy 90.00 % reached 80.00 %.'],
    [{}, 1e12, undefined],
  ])('%j after %d ms: %s', (stop, runningMs, reason) => {
    expect(stopReason(jobWith(stop), runningMs)).toBe(reason);
  });

  it('goes by the training loss where nothing is evaluated', () => {
    const rule = { everyRounds: 1, samplesMax: 0, batchSize: 1 };
    const job = {
      ...createJobRecord(submission({ stop: { loss: 1 }, evaluation: rule })),
      trainingLoss: 0.9,
    };
    expect(stopReason(job, 0)).toBe('Loss 0.9000 reached 1.');
  });

  it('tells how far the job is, and the time left at the pace of the newest rounds', () => {
    const pace = [
      { version: 2, samples: 0, runningMs: 1_000 },
      { version: 4, samples: 64, runningMs: 3_000 },
    ];
    const job = { ...jobWith({ rounds: 16, durationMs: 10_000 }), pace };
    expect(fractionDone(job, 5_000)).toBe(0.5);
    expect(remainingMs(job, 5_000)).toBe(5_000);
    expect(remainingMs({ ...job, ...jobWith({ rounds: 6 }), pace }, 5_000)).toBe(2_000);
    expect(remainingMs(jobWith({ loss: 0.1 }), 0)).toBe(-1);
    expect(fractionDone({ ...job, state: 'finished' }, 0)).toBe(1);
  });
});
