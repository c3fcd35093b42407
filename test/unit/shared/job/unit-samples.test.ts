import { describe, expect, it } from 'vitest';
import { parseJobDocument } from '../../../../shared/job/parse-job-document.ts';
import { firstLocalStep, samplesPerUnit, stepsPerUnit } from '../../../../shared/job/unit-samples.ts';

const authored = {
  name: 'words',
  model: { kind: 'mlp', hidden: [4] },
  dataset: 'words',
  loss: 'softmaxCrossEntropy',
  optimizer: { kind: 'nesterov', learningRate: 0.7 },
  batchSize: 12,
  unitsPerRound: 5,
  stop: { rounds: 10 },
};
const inner = { kind: 'adamw', learningRate: 0.001 };
const withSteps = (localSteps: object): unknown => ({ ...authored, localSteps });

describe('the samples of a unit', () => {
  it('are one batch where units are gradients', () => {
    const document = parseJobDocument(authored);
    expect([stepsPerUnit(document), samplesPerUnit(document)]).toEqual([1, 12]);
    expect(document).not.toHaveProperty('localSteps');
  });

  it('are a batch for every local step', () => {
    const document = parseJobDocument(withSteps({ steps: 30, optimizer: inner }));
    expect([stepsPerUnit(document), samplesPerUnit(document)]).toEqual([30, 360]);
  });
});

describe('the inner schedule', () => {
  const document = parseJobDocument(withSteps({ steps: 30, optimizer: inner }));

  it('goes on over the rounds, alike for all units of one', () => {
    for (const round of [0, 1, 7]) {
      for (const unit of [0, 1, 4]) {
        const sampleStart = (round * 5 + unit) * 360;
        expect(firstLocalStep(document, { unit, sampleStart, sampleCount: 360 })).toBe(round * 30);
      }
    }
  });

  it('goes on evenly when units become shorter', () => {
    const roundStart = 7 * 5 * 360;
    const shorter = 12 * 10;
    const first = { unit: 3, sampleStart: roundStart + 3 * shorter, sampleCount: shorter };
    expect(firstLocalStep(document, first)).toBe(210);
    const next = { unit: 0, sampleStart: roundStart + 5 * shorter, sampleCount: shorter };
    expect(firstLocalStep(document, next)).toBe(220);
  });
});

describe('local steps that no worker can make', () => {
  it.each([
    ['no steps', { steps: 0, optimizer: inner }, 'localSteps.steps'],
    ['too many steps', { steps: 4_097, optimizer: inner }, 'localSteps.steps'],
    ['no optimizer', { steps: 2 }, 'localSteps.optimizer'],
    ['an unknown optimizer', { steps: 2, optimizer: { kind: 'lion' } }, 'localSteps.optimizer.kind'],
    ['a field more', { steps: 2, optimizer: inner, rate: 1 }, 'localSteps.rate'],
    [
      'a decay without an end',
      { steps: 2, optimizer: { ...inner, schedule: { decay: 'cosine' } } },
      'localSteps.optimizer.schedule.totalRounds',
    ],
    [
      'a warm-up beyond the end',
      { steps: 2, optimizer: { ...inner, schedule: { warmupRounds: 9, totalRounds: 9 } } },
      'localSteps.optimizer.schedule.warmupRounds',
    ],
  ])('are refused: %s', (_, localSteps, field) => {
    expect(() => parseJobDocument(withSteps(localSteps))).toThrow(
      expect.objectContaining({ code: 'badRequest', field }),
    );
  });

  it('are refused when a unit would have too many samples', () => {
    const long = { ...authored, batchSize: 1_024, localSteps: { steps: 1_025, optimizer: inner } };
    expect(() => parseJobDocument(long)).toThrow(
      expect.objectContaining({ code: 'badRequest', field: 'localSteps.steps' }),
    );
    expect(
      samplesPerUnit(parseJobDocument({ ...long, localSteps: { steps: 1_024, optimizer: inner } })),
    ).toBe(1_048_576);
  });
});
