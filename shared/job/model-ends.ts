import { GradswarmError } from '../base/errors.ts';
import type { DatasetManifest, TokenDataset } from '../data/dataset-manifest.ts';
import { trainCounts } from '../data/sampling.ts';
import type { LossName, ModelEnds, ModelSpec } from '../model/model-spec.ts';
import { tokenContext } from '../model/token-context.ts';

function refuse(message: string, field: string): never {
  throw new GradswarmError('badRequest', message, field);
}

/**
 * What a data set asks of a model under a loss. Binary cross-entropy over two classes needs one output.
 * @throws GradswarmError `badRequest` with the field, when loss, model and data set do not belong together.
 */
export function modelEnds(model: ModelSpec, dataset: DatasetManifest, loss: LossName): ModelEnds {
  if (dataset.kind === 'tokens') return tokenEnds(model, dataset, loss);
  const { name, task, outputSize } = dataset;
  if (model.kind === 'gpt') {
    refuse(`A gpt reads tokens, but data set "${name}" holds records; use model.kind "mlp".`, 'model.kind');
  }
  const inputShape = dataset.input.shape;
  if (task === 'regression') {
    if (loss === 'softmaxCrossEntropy') {
      refuse(`Data set "${name}" is a regression; use loss "meanSquaredError".`, 'loss');
    }
    return { inputShape, outputSize };
  }
  if (loss === 'meanSquaredError') {
    refuse(`Data set "${name}" is a classification; use loss "softmaxCrossEntropy".`, 'loss');
  }
  if (loss === 'softmaxCrossEntropy') return { inputShape, outputSize };
  if (outputSize !== 2) {
    refuse(
      `binaryCrossEntropy needs two classes, but data set "${name}" has ${outputSize}; ` +
        'use loss "softmaxCrossEntropy".',
      'loss',
    );
  }
  return { inputShape, outputSize: 1 };
}

function tokenEnds(model: ModelSpec, dataset: TokenDataset, loss: LossName): ModelEnds {
  const { name, vocabularySize } = dataset;
  const context = tokenContext(model);
  if (context === 0) {
    refuse(
      `Data set "${name}" holds tokens: use model.kind "gpt", or a layers topology that reads [null, context].`,
      'model.kind',
    );
  }
  if (loss !== 'softmaxCrossEntropy') {
    refuse(`Tokens are predicted with loss "softmaxCrossEntropy", not "${loss}".`, 'loss');
  }
  if (trainCounts(dataset, context).every((windows) => windows === 0)) {
    refuse(
      `Data set "${name}" has no ${context + 1} training tokens in a row; use a shorter context, or a longer text.`,
      'dataset',
    );
  }
  return { inputShape: [context], outputSize: vocabularySize, predictionsPerSample: context };
}
