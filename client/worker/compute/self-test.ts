import { GradswarmError } from '../../../shared/base/errors.ts';
import { createRandom } from '../../../shared/base/random.ts';
import type { Batch } from '../../../shared/data/batch.ts';
import type { LossName, ModelEnds, ModelSpec } from '../../../shared/model/model-spec.ts';
import { enterBackend } from '../engine/backends.ts';
import type { Engine } from '../engine/engine.ts';
import { createNetwork } from '../model/create-network.ts';
import { compileModel } from '../model/model-compiler.ts';
import { createTrainableModel, type TrainableModel } from '../model/trainable-model.ts';

interface Trial {
  readonly spec: ModelSpec;
  readonly ends: ModelEnds;
  readonly count: number;
}

const classes = 10;
const loss: LossName = 'softmaxCrossEntropy';

/** Small, but above the thousand elements under which the WebGPU back end computes on the CPU instead. */
const trials: Readonly<Record<ModelSpec['kind'], Trial>> = {
  mlp: {
    spec: { kind: 'mlp', hidden: [40], activation: 'tanh' },
    ends: { inputShape: [48], outputSize: classes },
    count: 32,
  },
  cnn: {
    spec: { kind: 'cnn', filters: [6, 8], dense: 24 },
    ends: { inputShape: [12, 12, 2], outputSize: classes },
    count: 8,
  },
  gpt: {
    spec: { kind: 'gpt', layers: 1, heads: 2, width: 32, context: 16 },
    ends: { inputShape: [16], outputSize: 65 },
    count: 4,
  },
  layers: {
    spec: {
      kind: 'layers',
      topology: {
        class_name: 'Sequential',
        config: {
          layers: [
            {
              class_name: 'Conv2D',
              config: { filters: 6, kernel_size: 3, strides: 2, batch_input_shape: [null, 12, 12, 2] },
            },
            { class_name: 'BatchNormalization', config: {} },
            { class_name: 'Activation', config: { activation: 'relu' } },
            { class_name: 'Flatten', config: {} },
            { class_name: 'Dense', config: { units: classes } },
          ],
        },
      },
    },
    ends: { inputShape: [12, 12, 2], outputSize: classes },
    count: 8,
  },
};

/** Devices that compute right were within 1e-4 of the CPU; wrong ones are off by far more than this. */
const relativeErrorMax = 2e-3;

interface Outcome {
  readonly predictions: Float32Array;
  readonly update: Float32Array;
  readonly loss: number;
}

/**
 * Computes the forward pass and the gradient of a small model of the job's kind on the engine and on the CPU back end.
 * @throws GradswarmError `selfTestFailed` with the tensor and the figures, when they differ.
 */
export async function selfTest(engine: Engine, modelKind: string): Promise<void> {
  const trial = trials[modelKind as ModelSpec['kind']] ?? trials.mlp;
  const { initialParameters } = await compileModel(trial.spec, trial.ends, loss, 1);
  const batch = trialBatch(trial);
  const expected = await runTrial(trial, batch, initialParameters, () => enterBackend('cpu'));
  engine.takeError();
  const found = await runTrial(trial, batch, initialParameters, engine.enter);
  engine.enter();
  const deviceError = engine.takeError();
  if (deviceError !== undefined) {
    throw new GradswarmError('selfTestFailed', `${engine.deviceInWords} reports: ${deviceError}`);
  }
  const comparisons: [string, Float32Array, Float32Array][] = [
    ['the predictions', expected.predictions, found.predictions],
    ['the loss', Float32Array.of(expected.loss), Float32Array.of(found.loss)],
    ...expected.tensors.map(({ name, offset, length }): [string, Float32Array, Float32Array] => [
      `the gradient of ${name}`,
      expected.update.subarray(offset, offset + length),
      found.update.subarray(offset, offset + length),
    ]),
  ];
  for (const [what, right, given] of comparisons) {
    const error = relativeError(right, given);
    // Not finite or not small: NaN must not slip through a comparison.
    if (error <= relativeErrorMax) continue;
    throw new GradswarmError(
      'selfTestFailed',
      `${engine.deviceInWords} (${engine.name}) computes wrong values: ${what} of a small ${modelKind} differs from ` +
        `the CPU by ${Number.isFinite(error) ? error.toExponential(1) : 'NaN or an infinity'} of its largest value ` +
        `(at most ${relativeErrorMax} is allowed). Update the graphics driver, or choose another engine.`,
    );
  }
}

async function runTrial(
  { spec, ends, count }: Trial,
  batch: Batch,
  parameters: Float32Array,
  enter: () => void,
): Promise<Outcome & { readonly tensors: TrainableModel['manifest']['tensors'] }> {
  enter();
  const model = createTrainableModel(await createNetwork(spec, ends, loss), loss, enter);
  try {
    model.setParameters(parameters);
    const predictions = await model.predict(batch.x, count);
    const { update, loss: value } = await model.gradient(batch, 1);
    return { predictions, update, loss: value, tensors: model.manifest.tensors };
  } finally {
    model.dispose();
  }
}

function trialBatch({ spec, ends, count }: Trial): Batch {
  const random = createRandom(20_260_101);
  const xShape = [count, ...ends.inputShape];
  const size = xShape.reduce((product, side) => product * side, 1);
  const labels = (length: number): Int32Array =>
    Int32Array.from({ length }, () => random.below(ends.outputSize));
  if (spec.kind === 'gpt') return { x: labels(size), xShape, y: labels(size), yShape: xShape, count };
  const x = Float32Array.from({ length: size }, () => random.unit() * 2 - 1);
  return { x, xShape, y: labels(count), yShape: [count], count };
}

/** Largest difference over the largest right value; NaN or infinite when any value is. */
function relativeError(right: Float32Array, given: Float32Array): number {
  if (right.length !== given.length) return Number.NaN;
  let largest = 0;
  let difference = 0;
  for (let index = 0; index < right.length; index++) {
    const [wanted, found] = [right[index] ?? Number.NaN, given[index] ?? Number.NaN];
    if (!Number.isFinite(found)) return Number.NaN;
    largest = Math.max(largest, Math.abs(wanted));
    difference = Math.max(difference, Math.abs(wanted - found));
  }
  // A gradient that is zero but for rounding has no scale of its own.
  return difference / Math.max(largest, 1e-3);
}
