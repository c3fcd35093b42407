import { create } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { planWords } from '../../../../client/admin/plan-words.ts';
import { RoundPlanSchema } from '../../../../shared/gen/gradswarm/v1/admin_pb.ts';

it.each([
  [
    { strategyJson: '{"kind":"parameterServerSynchronous"}', codecs: ['float32'] },
    'Parameter server, synchronous: a round closes with all its units.',
    'A unit is one gradient, and is sent with float32.',
  ],
  [
    {
      strategyJson: '{"kind":"parameterServerSynchronous","quorum":0.75}',
      localSteps: 30,
      codecs: ['int8', 'topk/64/2'],
      isAdaptive: true,
    },
    'Parameter server, synchronous: a round closes with 75.0 % of its units once the rest is late. The adaptive policy chose it.',
    'A unit is 30 local steps, and is sent with int8 or topk/64/2, as its worker’s uplink allows.',
  ],
  [
    { strategyJson: '{"kind":"parameterServerSynchronous","quorum":0.55}', codecs: ['float32'] },
    'Parameter server, synchronous: a round closes with 55.0 % of its units once the rest is late.',
    'A unit is one gradient, and is sent with float32.',
  ],
  [
    {
      strategyJson:
        '{"kind":"parameterServerAsynchronous","buffer":8,"stalenessMax":4,"weighting":"measured"}',
      codecs: ['sign'],
    },
    'Parameter server, asynchronous: a round closes after 8 contributions, of versions up to 4 rounds old. ' +
      'Contributions weigh by what their workers have shown.',
    'A unit is one gradient, and is sent with sign.',
  ],
  [
    { strategyJson: '{"kind":"ringAllReduce"}', codecs: ['int8'] },
    'Ring all-reduce: workers sum their updates among themselves, and one hands the sum in.',
    'A unit is one gradient, and is sent with int8.',
  ],
])('tells of strategy, local steps and codecs', (plan, ...words) => {
  expect(planWords(create(RoundPlanSchema, plan))).toEqual(words);
});
