import { type CodecSpec, codecText } from '../../../shared/codec/codec-spec.ts';
import { createCodec } from '../../../shared/codec/codecs.ts';
import { createEncoder, type Encoder } from '../../../shared/codec/encoder.ts';
import { mean } from '../../../shared/tensor/grid.ts';
import { type Figure, median } from '../figure.ts';
import {
  batchGradient,
  type Digits,
  meanLoss,
  readDigits,
  regressionManifest,
  unitRandom,
} from './softmax-regression.ts';

const workers = 8;
const batch = 32;
const rounds = 300;
const learningRate = 0.2;
const seeds = [1, 2, 3];

const biased: readonly CodecSpec[] = [
  { kind: 'sign' },
  { kind: 'topk', k: 64, valueBits: 2 },
  { kind: 'topk', k: 16, valueBits: 4 },
  { kind: 'randomk', k: 64 },
  { kind: 'powersgd', rank: 1 },
  { kind: 'demo', k: 64, momentum: 0.9 },
];
const reference: CodecSpec = { kind: 'float32' };
/** Rounds that a worker stays; one of 300 is there to the end. */
const stays = [300, 50, 10, 3, 1];

interface Run {
  readonly spec: CodecSpec;
  readonly stay: number;
  readonly seed: number;
}

/**
 * Loss on the test split after all rounds. Every worker computes one unit of each round and leaves after `stay` rounds,
 * each in its own round; another one comes in its place, with nothing carried over.
 */
function finalLoss({ spec, stay, seed }: Run, train: Digits, test: Digits): number {
  const codec = createCodec(spec, regressionManifest);
  const { length } = regressionManifest;
  const encoders: Encoder[] = Array.from({ length: workers }, () => createEncoder(codec));
  const parameters = new Float32Array(length);
  const step = new Float32Array(length);
  for (let round = 0; round < rounds; round++) {
    const sum = new Float64Array(length);
    for (let worker = 0; worker < workers; worker++) {
      if (round > 0 && (round + Math.floor((worker * stay) / workers)) % stay === 0) {
        encoders[worker] = createEncoder(codec);
      }
      const gradient = batchGradient(parameters, train, batch, unitRandom(seed, round, worker));
      const unitSeed = round * workers + worker;
      const encoded = encoders[worker]?.encode(gradient, unitSeed);
      encoded?.settle(true);
      if (encoded) codec.decodeAndAccumulate(encoded.payload, unitSeed, sum, 1);
    }
    mean(sum, workers, step);
    for (let index = 0; index < length; index++) parameters[index]! -= learningRate * step[index]!;
  }
  return meanLoss(parameters, test);
}

/** What error feedback is worth, and what of it is lost when workers leave and what they carried is dropped. */
export async function churnFigures(report: (figure: Figure) => void): Promise<void> {
  const [train, test] = [readDigits('train', 20_000), readDigits('t10k', 5_000)];
  const measure = (spec: CodecSpec, stay: number, who: string): void => {
    const runs = seeds.map((seed) => finalLoss({ spec, stay, seed }, train, test));
    report({
      suite: 'sync',
      figure: `loss under churn, ${codecText(spec)}, ${who}`,
      value: median(runs),
      unit: 'nats',
      runs,
      conditions:
        `softmax regression on mnist, ${workers} workers, batch ${batch}, ${rounds} rounds, rate ${learningRate}, ` +
        `${createCodec(spec, regressionManifest).encodedBytes} bytes`,
    });
  };
  measure(reference, rounds, 'whoever leaves');
  for (const spec of biased) {
    for (const stay of stays) {
      measure(spec, stay, stay === rounds ? 'nobody leaves' : `workers stay ${stay} rounds`);
    }
  }
}
