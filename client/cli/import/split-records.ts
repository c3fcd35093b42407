import { GradswarmError } from '../../../shared/base/errors.ts';
import { createRandom } from '../../../shared/base/random.ts';

export interface RecordSplit {
  /** Record numbers in the order in which they are stored. */
  readonly train: Uint32Array;
  readonly test: Uint32Array;
}

const defaultSeed = 1;
const defaultTestFraction = 0.1;

/** Fisher and Yates, seeded. */
export function shuffle(records: Uint32Array, seed = defaultSeed): Uint32Array {
  const random = createRandom(seed);
  for (let last = records.length - 1; last > 0; last--) {
    const chosen = random.below(last + 1);
    const moved = records[last]!;
    records[last] = records[chosen]!;
    records[chosen] = moved;
  }
  return records;
}

/**
 * Shuffles records 0 to `count - 1` and takes the test records from their end. With `testStart`, the records from there
 * on are the test records, as in a file of their own.
 * @throws GradswarmError `dataInvalid` when a part would be empty, `badRequest` for a bad fraction.
 */
export function splitRecords(
  count: number,
  options: { readonly seed?: number; readonly testFraction?: number; readonly testStart?: number },
): RecordSplit {
  const { seed = defaultSeed, testStart } = options;
  const numbers = Uint32Array.from({ length: count }, (_, record) => record);
  const testCount = testStart === undefined ? testCountOf(count, options.testFraction) : count - testStart;
  if (testCount === 0 || testCount === count) {
    const part = testCount === 0 ? 'test' : 'training';
    throw new GradswarmError('dataInvalid', `There are no ${part} records: the data has ${count} in all.`);
  }
  if (testStart === undefined) shuffle(numbers, seed);
  const train = numbers.subarray(0, count - testCount);
  const test = numbers.subarray(count - testCount);
  if (testStart === undefined) return { train, test };
  return { train: shuffle(train, seed), test: shuffle(test, seed) };
}

/** At least one of each part, where there are two records. */
export function testCountOf(count: number, testFraction = defaultTestFraction): number {
  if (!(testFraction > 0 && testFraction < 1)) {
    throw new GradswarmError('badRequest', 'The test fraction is between 0 and 1.', 'testFraction');
  }
  return Math.min(Math.max(Math.round(count * testFraction), 1), Math.max(count - 1, 0));
}
