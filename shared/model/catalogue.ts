import { checkModelFits, checkModelSpec } from './check-model.ts';
import { cnnTopology, type LayersTopology, mlpTopology } from './layers-topology.ts';
import type { LossName, ModelEnds, ModelSpec } from './model-spec.ts';
import { prepareTopology } from './prepare-topology.ts';

/**
 * The layers topology of a model, without seeds; undefined for a gpt, which is built from operations.
 * @throws GradswarmError `badRequest` with the field, when the spec does not hold or does not fit.
 */
export function modelTopology(spec: ModelSpec, ends: ModelEnds, loss: LossName): LayersTopology | undefined {
  checkModelSpec(spec);
  checkModelFits(spec, ends, loss);
  switch (spec.kind) {
    case 'mlp':
      return mlpTopology(spec, ends, loss);
    case 'cnn':
      return cnnTopology(spec, ends, loss);
    case 'layers':
      return prepareTopology(spec.topology);
    case 'gpt':
      return undefined;
  }
}
