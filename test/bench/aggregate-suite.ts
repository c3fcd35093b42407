import { HeldSum } from '../../server/runtime/trainer/sum/held-sum.ts';
import { createRandom } from '../../shared/base/random.ts';
import type { Codec } from '../../shared/codec/codec.ts';
import { type CodecSpec, codecText } from '../../shared/codec/codec-spec.ts';
import { createFlatCodec } from '../../shared/codec/codecs.ts';
import { type Figure, median, type Suite } from './figure.ts';

const suite = 'aggregate';
const rounds = 9;
const specs: readonly CodecSpec[] = [{ kind: 'int8' }, { kind: 'float32' }];

/** Different updates of one model: payloads that were received one after the other share no cache. */
function payloadsOf(codec: Codec, parameters: number, count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => {
    const random = createRandom(index + 1);
    const values = Float32Array.from({ length: parameters }, () => (random.unit() - 0.5) * 0.02);
    return codec.encode(values, index);
  });
}

function secondsOf(work: () => void): number {
  const started = performance.now();
  work();
  return (performance.now() - started) / 1000;
}

type Work = Readonly<Record<string, () => void>>;

/** Seconds of each kind of work, in turn, so that all see the same machine. */
function measureInTurn<Kinds extends Work>(kinds: Kinds): Record<keyof Kinds, number[]> {
  const seconds = Object.fromEntries(Object.keys(kinds).map((name) => [name, [] as number[]]));
  for (let round = 0; round <= rounds; round++) {
    for (const [name, work] of Object.entries(kinds)) {
      const taken = secondsOf(work);
      // The first round warms caches and the compiler up.
      if (round > 0) seconds[name]?.push(taken);
    }
  }
  return seconds as Record<keyof Kinds, number[]>;
}

function ratios(numerators: readonly number[], denominators: readonly number[]): number[] {
  return numerators.map((value, index) => value / (denominators[index] ?? Number.NaN));
}

function figure(name: string, unit: string, runs: readonly number[], conditions: string): Figure {
  return { suite, figure: name, value: median(runs), unit, runs, conditions };
}

/** Adds every payload to `sum` and empties it again; `checked` as after a check. */
function addAll(sum: HeldSum, codec: Codec, payloads: readonly Uint8Array[]): void {
  for (const [seed, payload] of payloads.entries()) {
    sum.add(codec, payload, seed, 1, { squaredNorm: 1, isBounded: true });
  }
  sum.total();
}

function checkAndAddAll(sum: HeldSum, codec: Codec, payloads: readonly Uint8Array[], count: number): void {
  for (let seed = 0; seed < count; seed++) {
    const payload = payloads[seed % payloads.length]!;
    sum.add(codec, payload, seed, 1, sum.check(codec, payload, seed));
  }
  sum.total();
}

/** Against a copy of the same payloads, each to a buffer of its own. */
function overCopies(spec: CodecSpec): Figure[] {
  const parameters = 4_000_000;
  const count = 32;
  const codec = createFlatCodec(spec, parameters);
  const payloads = payloadsOf(codec, parameters, count);
  const copies = payloads.map((payload) => new Uint8Array(payload.length));
  const sum = new HeldSum(parameters);
  const accumulator = new Float64Array(parameters);
  const { copy, add, checked, twin } = measureInTurn({
    copy: () => {
      for (const [index, payload] of payloads.entries()) copies[index]?.set(payload);
    },
    add: () => addAll(sum, codec, payloads),
    checked: () => checkAndAddAll(sum, codec, payloads, count),
    twin: () => {
      for (const payload of payloads) codec.decodeAndAccumulate(payload, 1, accumulator, 1);
    },
  });
  const name = codecText(spec);
  const conditions = `${count} contributions of ${parameters} values, one thread`;
  const gigabytes = (codec.encodedBytes * count) / 1e9;
  const megavalues = (parameters * count) / 1e6;
  return [
    {
      ...figure(`${name}: decode and accumulate over a memory copy`, 'ratio', ratios(copy, add), conditions),
      target: { kind: 'atLeast', value: 0.5 },
    },
    figure(`${name}: the same with the check of the norm`, 'ratio', ratios(copy, checked), conditions),
    figure(`${name}: the same in TypeScript, without the check`, 'ratio', ratios(copy, twin), conditions),
    figure(
      `${name}: memory copy`,
      'GB/s',
      copy.map((seconds) => gigabytes / seconds),
      conditions,
    ),
    figure(
      `${name}: values decoded and accumulated`,
      'M/s',
      add.map((seconds) => megavalues / seconds),
      conditions,
    ),
  ];
}

/** What a contribution costs, check included, when a round has few or many. */
function costByCount(spec: CodecSpec): Figure[] {
  const parameters = 1_000_000;
  const codec = createFlatCodec(spec, parameters);
  // More than the caches hold, and few enough that a thousand fit into the memory.
  const payloads = payloadsOf(codec, parameters, 100);
  const sum = new HeldSum(parameters);
  const counts = [10, 100, 1_000] as const;
  const work = Object.fromEntries(
    counts.map((count) => [
      `of ${count}`,
      () => {
        checkAndAddAll(sum, codec, payloads, count);
        sum.clear();
      },
    ]),
  );
  const seconds = measureInTurn(work);
  const costs = counts.map((count) => (seconds[`of ${count}`] ?? []).map((total) => (total / count) * 1_000));
  const conditions = `${parameters} values, one thread, with the check, and the sum emptied`;
  const name = codecText(spec);
  const [few = [], , many = []] = costs;
  return [
    ...costs.map((runs, index) =>
      figure(`${name}: a contribution of ${counts[index]}`, 'ms', runs, conditions),
    ),
    {
      ...figure(`${name}: a contribution of 1000 over one of 10`, 'ratio', ratios(many, few), conditions),
      target: { kind: 'atMost', value: 1.1 },
    },
  ];
}

export const aggregateSuite: Suite = async (report) => {
  for (const spec of specs) {
    for (const one of [...overCopies(spec), ...costByCount(spec)]) report(one);
  }
};
