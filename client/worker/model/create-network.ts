import { assert } from '../../../shared/base/assert.ts';
import { modelTopology } from '../../../shared/model/catalogue.ts';
import type { LossName, ModelEnds, ModelSpec } from '../../../shared/model/model-spec.ts';
import { zeroInitializers } from '../../../shared/model/prepare-topology.ts';
import { createGptNetwork } from './gpt-network.ts';
import { createLayersNetwork } from './layers-network.ts';
import type { Network } from './network.ts';

/**
 * Builds a model of any kind on the current back end; its parameters are to be set.
 * @throws GradswarmError `badRequest` with the field.
 */
export async function createNetwork(spec: ModelSpec, ends: ModelEnds, loss: LossName): Promise<Network> {
  const topology = modelTopology(spec, ends, loss);
  // Drawing initial values that nobody will read takes long for wide or recurrent layers.
  if (topology !== undefined) return createLayersNetwork(zeroInitializers(topology), ends, loss);
  assert(spec.kind === 'gpt', 'only a gpt has no topology');
  return createGptNetwork(spec, ends.outputSize);
}
