import { GradswarmError } from '../base/errors.ts';
import type { LossName, ModelEnds, ModelSpec } from './model-spec.ts';

function refuse(message: string, field: string): never {
  throw new GradswarmError('badRequest', message, field);
}

/**
 * Relations between the fields of a model that a schema cannot say.
 * @throws GradswarmError `badRequest` with the field.
 */
export function checkModelSpec(spec: ModelSpec): void {
  if (spec.kind === 'gpt' && spec.width % spec.heads !== 0) {
    refuse(
      `model.heads must divide model.width: ${spec.width} / ${spec.heads} is no whole number.`,
      'model.heads',
    );
  }
  if (spec.kind === 'layers') {
    if (typeof spec.topology['class_name'] !== 'string' && spec.topology['model_config'] === undefined) {
      refuse(
        'model.topology is no layers topology: it has no class_name. Pass what model.toJSON() gives, or the ' +
          'modelTopology of a saved model.json.',
        'model.topology',
      );
    }
  }
}

/**
 * Whether the kind of model can read these records and answer for this loss.
 * @throws GradswarmError `badRequest` with the field.
 */
export function checkModelFits(spec: ModelSpec, ends: ModelEnds, loss: LossName): void {
  if (!Number.isSafeInteger(ends.outputSize) || ends.outputSize < 1) {
    refuse(`The data set has ${ends.outputSize} outputs; it needs at least one.`, 'dataset');
  }
  if (loss === 'softmaxCrossEntropy' && ends.outputSize < 2) {
    refuse('loss softmaxCrossEntropy needs at least two classes.', 'loss');
  }
  if (spec.kind !== 'gpt') return;
  if (loss !== 'softmaxCrossEntropy') {
    refuse(`A gpt predicts tokens: loss must be softmaxCrossEntropy, not ${loss}.`, 'loss');
  }
  if (ends.inputShape.length !== 1 || ends.inputShape[0] !== spec.context) {
    refuse(
      `model.context is ${spec.context}, but samples have the shape [${ends.inputShape.join(', ')}].`,
      'model.context',
    );
  }
}
