import type { AggregatorSpec } from '../../../shared/sync/aggregators/aggregator-spec.ts';
import { membersMin } from '../../../shared/sync/aggregators/aggregators.ts';
import { median, type Report } from '../figure.ts';
import { attacks } from './byzantine-attacks.ts';
import { divide, readDigits } from './byzantine-digits.ts';
import { batchSize, learningRate, rounds, trainUnderAttack } from './byzantine-training.ts';

const workers = 20;
const attackerCounts = [4, 6] as const;
const seeds = [1, 2, 3] as const;
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

/** Accuracies in % of every seed, or how many members the aggregator needs. */
type Cell = readonly number[] | { readonly needed: number };

/**
 * What every aggregator leaves of an accuracy when some of 20 workers lie: a figure for each attack, and the tables of
 * docs/AGGREGATORS.md on the standard error output, so that they do not mix with figures. For data alike, or sorted by label.
 */
export async function byzantineFigures(isAlike: boolean, report: Report): Promise<void> {
  const train = readDigits('train', trainCount);
  const test = readDigits('t10k', testCount);
  const divisions = seeds.map((seed) => divide(train, workers, isAlike, seed));
  const data = isAlike ? 'data alike (IID)' : 'two runs of sorted labels for each worker (non-IID)';
  print(
    `Softmax regression on MNIST at 14 x 14: accuracy in % on ${testCount} test digits after ${rounds} rounds of ${workers} ` +
      `gradients over ${batchSize} digits each, step ${learningRate}; mean of seeds ${seeds.join(', ')} and half of their range. Below 50 is bold.`,
  );
  for (const attackers of attackerCounts) {
    print(`\n### ${attackers} of ${workers} lie (${(100 * attackers) / workers} %), ${data}\n`);
    print(`| aggregator | ${attacks.map(({ name }) => name).join(' | ')} |`);
    print(`|---|${attacks.map(() => '--:').join('|')}|`);
    for (const [name, specOf] of Object.entries(aggregators)) {
      const aggregator = specOf(attackers);
      const cells = attacks.map((attack): Cell => {
        const needed = membersMin(aggregator);
        if (needed > workers) return { needed };
        const runs = seeds.map((seed, index) => {
          const digits = divisions[index] ?? [];
          return 100 * trainUnderAttack({ train, test, digits, attackers, attack, aggregator, seed });
        });
        const figure = `${name}, ${attackers} of ${workers}: ${attack.name}`;
        report({ suite: 'byzantine', figure, value: median(runs), unit: '%', runs, conditions: data });
        return runs;
      });
      print(`| ${name} | ${cells.map(cellText).join(' | ')} |`);
    }
  }
}

function cellText(cell: Cell, index: number): string {
  if ('needed' in cell) return index === 0 ? `needs ${cell.needed}` : '–';
  const spread = (Math.max(...cell) - Math.min(...cell)) / 2;
  const mean = cell.reduce((sum, accuracy) => sum + accuracy, 0) / cell.length;
  const text = `${mean.toFixed(1)} ±${spread.toFixed(1)}`;
  return mean < 50 ? `**${text}**` : text;
}

function print(line: string): void {
  process.stderr.write(`${line}\n`);
}
