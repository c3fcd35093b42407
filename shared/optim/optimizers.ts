import { assert } from '../base/assert.ts';
import { createAdamW } from './adamw.ts';
import { createNesterov } from './nesterov.ts';
import type { Optimizer, OptimizerKind } from './optimizer.ts';
import type { OptimizerSpec } from './optimizer-spec.ts';
import { createSgd } from './sgd.ts';

type Factories = {
  readonly [Kind in OptimizerKind]: (spec: Extract<OptimizerSpec, { kind: Kind }>) => Optimizer;
};

const factories: Factories = { sgd: createSgd, nesterov: createNesterov, adamw: createAdamW };

export const optimizerKinds = Object.keys(factories) as readonly OptimizerKind[];

for (const kind of optimizerKinds) {
  const optimizer = createOptimizer({ kind, learningRate: 0 });
  assert(optimizer.kind === kind, `optimizer ${kind} is filed under its own name`);
  assert(optimizer.createState(0).slots.length === optimizer.slotNames.length, `${kind} names every slot`);
}

export function createOptimizer(spec: OptimizerSpec): Optimizer {
  const create = factories[spec.kind] as (spec: OptimizerSpec) => Optimizer;
  return create(spec);
}
