import { create } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { planWords } from '../../../../client/admin/plan-words.ts';
import { RoundPlanSchema } from '../../../../shared/gen/gradswarm/v1/admin_pb.ts';

it.each([
  [
    { strategyJson: '{"kind":"parameterServerSynchronous"}', codecs: ['float32'] },
    'parameterServerSynchronous.',
    'A unit is one gradient, and is sent with float32.',
  ],
  [
    {
      strategyJson: '{"kind":"parameterServerSynchronous","quorum":0.75}',
      localSteps: 30,
      codecs: ['int8', 'topk/64/2'],
      isAdaptive: true,
    },
    'parameterServerSynchronous, quorum 0.75, chosen by the adaptive policy.',
    'A unit is 30 local steps, and is sent with int8 or topk/64/2, as its worker’s uplink allows.',
  ],
])('tells of strategy, local steps and codecs', (plan, ...words) => {
  expect(planWords(create(RoundPlanSchema, plan))).toEqual(words);
});
