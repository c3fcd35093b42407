import type { AggregatorSpec } from '../../../shared/sync/aggregators/aggregator-spec.ts';
import { membersMin } from '../../../shared/sync/aggregators/aggregators.ts';
import { attacks } from './byzantine-attacks.ts';
import { divide, readDigits } from './byzantine-digits.ts';
import { batchSize, learningRate, rounds, trainUnderAttack } from './byzantine-training.ts';

/**
 * `npx tsx test/bench/sync/byzantine.ts [alike] [sorted] [--seeds 3]`: what every aggregator leaves of an accuracy when some
 * of 20 workers lie. Prints the tables of docs/AGGREGATORS.md: those for data alike, for sorted data, or both.
 */
const workers = 20;
const trainCount = 20_000;
const testCount = 4_000;

/** By the number of those who may lie. */
const aggregators: Readonly<Record<string, (faulty: number) => AggregatorSpec>> = {
  mean: () => ({ kind: 'mean' }),
  trimmedMean: (trim) => ({ kind: 'trimmedMean', trim }),
  median: () => ({ kind: 'median' }),
  geometricMedian: () => ({ kind: 'geometricMedian' }),
  krum: (faulty) => ({ kind: 'krum', faulty }),
  multiKrum: (faulty) => ({ kind: 'multiKrum', faulty }),
  bulyan: (faulty) => ({ kind: 'bulyan', faulty }),
  centredClipping: () => ({ kind: 'centredClipping', radius: 0.5 }),
  medianNormClip: () => ({ kind: 'medianNormClip' }),
  'bucketing, then centredClipping': () => ({
    kind: 'centredClipping',
    radius: 0.5,
    before: { kind: 'bucketing', size: 2 },
  }),
  'mixing, then trimmedMean': (faulty) => ({
    kind: 'trimmedMean',
    trim: faulty,
    before: { kind: 'nearestNeighbourMixing', faulty },
  }),
};

const seedsAt = process.argv.indexOf('--seeds');
const seedCount = seedsAt < 0 ? 3 : Number(process.argv[seedsAt + 1]);
const seeds = Array.from({ length: seedCount }, (_, index) => index + 1);
const train = readDigits('train', trainCount);
const test = readDigits('t10k', testCount);

/** Of every seed, for data alike and for sorted data. */
const divisions = new Map(
  [true, false].map((isAlike) => [isAlike, seeds.map((seed) => divide(train, workers, isAlike, seed))]),
);

function cell(
  isAlike: boolean,
  attackers: number,
  aggregator: AggregatorSpec,
  attack: (typeof attacks)[0],
): string {
  const accuracies = (divisions.get(isAlike) ?? []).map((digits, index) =>
    trainUnderAttack({ train, test, digits, attackers, attack, aggregator, seed: seeds[index]! }),
  );
  const spread = (100 * (Math.max(...accuracies) - Math.min(...accuracies))) / 2;
  const mean = (100 * accuracies.reduce((sum, accuracy) => sum + accuracy, 0)) / seeds.length;
  const text = `${mean.toFixed(1)} ±${spread.toFixed(1)}`;
  return mean < 50 ? `**${text}**` : text;
}

function table(isAlike: boolean, attackers: number): void {
  const share = (100 * attackers) / workers;
  const data = isAlike ? 'data alike (IID)' : 'two runs of sorted labels for each worker (non-IID)';
  print(`\n### ${attackers} of ${workers} lie (${share} %), ${data}\n`);
  print(`| aggregator | ${attacks.map(({ name }) => name).join(' | ')} |`);
  print(`|---|${attacks.map(() => '--:').join('|')}|`);
  for (const [name, specOf] of Object.entries(aggregators)) {
    const spec = specOf(attackers);
    const needed = membersMin(spec);
    const cells =
      needed > workers
        ? attacks.map((_, index) => (index === 0 ? `needs ${needed}` : '–'))
        : attacks.map((attack) => cell(isAlike, attackers, spec, attack));
    print(`| ${name} | ${cells.join(' | ')} |`);
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

print(
  `Softmax regression on MNIST at 14 x 14: accuracy in % on ${testCount} test digits after ${rounds} rounds of ${workers} ` +
    `gradients over ${batchSize} digits each, step ${learningRate}; mean of seeds ${seeds.join(', ')} and half of their range. Below 50 is bold.`,
);
const isAsked = (name: string): boolean =>
  process.argv.includes(name) || !['alike', 'sorted'].some((known) => process.argv.includes(known));
for (const attackers of [4, 6]) if (isAsked('alike')) table(true, attackers);
for (const attackers of [4, 6]) if (isAsked('sorted')) table(false, attackers);
print(`\nIt took ${Math.round(process.uptime())} s.`);
