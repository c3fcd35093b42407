import { describe, expect, it } from 'vitest';
import { readRoundPlan } from '../../../../server/runtime/read-round-plan.ts';
import { parseJobDocument } from '../../../../shared/job/parse-job-document.ts';
import type { RoundPlan } from '../../../../shared/sync/round-plan.ts';

const document = parseJobDocument({
  name: 'prices',
  model: { kind: 'mlp', hidden: [16] },
  dataset: 'houses',
  loss: 'meanSquaredError',
  optimizer: { kind: 'sgd', learningRate: 1 },
  localSteps: { steps: 8, optimizer: { kind: 'sgd', learningRate: 0.1 } },
  codec: { up: ['int8', { kind: 'topk', k: 64, valueBits: 2 }] },
  stop: { rounds: 10 },
});
const plan: RoundPlan = { strategy: { kind: 'parameterServerSynchronous' }, localSteps: 8 };
const asynchronous = { kind: 'parameterServerAsynchronous', buffer: 4, stalenessMax: 2 } as const;

describe('readRoundPlan', () => {
  it.each<[string, object, RoundPlan]>([
    ['a strategy alone', asynchronous, { strategy: asynchronous, localSteps: 8 }],
    ['a strategy by its name', { strategy: asynchronous }, { strategy: asynchronous, localSteps: 8 }],
    ['local steps', { localSteps: 16 }, { ...plan, localSteps: 16 }],
    ['a codec', { codec: 'topk/64/2' }, { ...plan, codec: 'topk/64/2' }],
  ])('reads %s, and leaves the rest', (_, request, read) => {
    expect(readRoundPlan(document, plan, JSON.stringify(request))).toEqual(read);
  });

  it('hands the plan to the adaptive policy, and takes it back', () => {
    const adaptive = { kind: 'adaptive', strategies: [asynchronous] };
    const given = readRoundPlan(document, plan, JSON.stringify(adaptive));
    expect(given).toEqual({ strategy: asynchronous, localSteps: 8, adaptive });
    expect(readRoundPlan(document, given, JSON.stringify(asynchronous)).adaptive).toBeUndefined();
    expect(readRoundPlan(document, given, '{"localSteps": 4}').adaptive).toEqual(adaptive);
  });

  it.each<[string, string, string | undefined]>([
    ['no JSON', '{', undefined],
    ['no object', '7', undefined],
    ['nothing', '{}', undefined],
    ['what cannot change', '{"batchSize": 4}', 'batchSize'],
    ['an unknown strategy', '{"kind": "parameterServer"}', 'strategy.kind'],
    [
      'a buffer out of range',
      '{"kind":"parameterServerAsynchronous","buffer":0,"stalenessMax":1}',
      'strategy.buffer',
    ],
    ['a quorum above one', '{"kind":"parameterServerSynchronous","quorum":1.5}', 'strategy.quorum'],
    ['a codec that is not the job’s', '{"codec": "int4"}', 'codec'],
    ['no local steps', '{"localSteps": 0}', 'localSteps.steps'],
  ])('refuses %s', (_, text, field) => {
    expect(() => readRoundPlan(document, plan, text)).toThrow(
      expect.objectContaining({ code: 'badRequest', field }),
    );
  });

  it('refuses local steps of a job whose units are gradients', () => {
    const { localSteps: _, ...gradients } = document;
    expect(() => readRoundPlan(gradients, plan, '{"localSteps": 2}')).toThrow(/makes no local steps/);
  });
});
