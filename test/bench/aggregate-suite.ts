import { createRandom } from '../../shared/base/random.ts';
import { createFlatCodec } from '../../shared/codec/codecs.ts';
import { type Figure, median, type Suite } from './figure.ts';

const parameters = 4_000_000;
const rounds = 9;
const contributions = 8;
const measured = ['int8', 'float32'] as const;
type Measured = (typeof measured)[number];

function randomVector(length: number): Float32Array {
  const random = createRandom(7);
  return Float32Array.from({ length }, () => (random.unit() - 0.5) * 0.02);
}

/** Bytes a second of `work`, which handles `bytes` each time it is called. */
function bandwidth(bytes: number, work: () => void): number {
  const started = performance.now();
  for (let index = 0; index < contributions; index++) work();
  return (bytes * contributions) / ((performance.now() - started) / 1000);
}

interface Bandwidths {
  readonly copies: number[];
  readonly sums: number[];
}

/** Copy and accumulate in turn, so that both see the same machine. */
function measure(kind: Measured): Bandwidths & { readonly payloadBytes: number } {
  const codec = createFlatCodec({ kind }, parameters);
  const payload = codec.encode(randomVector(parameters), 1);
  const copy = new Uint8Array(payload.length);
  const accumulator = new Float64Array(parameters);
  const measured: Bandwidths = { copies: [], sums: [] };
  for (let round = 0; round <= rounds; round++) {
    const copied = bandwidth(payload.length, () => copy.set(payload));
    const summed = bandwidth(payload.length, () => codec.decodeAndAccumulate(payload, 1, accumulator, 1));
    // The first round warms caches and the compiler up.
    if (round === 0) continue;
    measured.copies.push(copied);
    measured.sums.push(summed);
  }
  return { ...measured, payloadBytes: payload.length };
}

function figuresOf(kind: Measured): Figure[] {
  const { copies, sums, payloadBytes } = measure(kind);
  const ratios = sums.map((sum, index) => sum / (copies[index] ?? Number.NaN));
  const gigabytes = sums.map((sum) => sum / 1e9);
  const megavalues = sums.map((sum) => ((sum / payloadBytes) * parameters) / 1e6);
  const conditions = `${parameters} values, one thread, double accumulator`;
  const suite = 'aggregate';
  return [
    {
      suite,
      figure: `${kind}: decode and accumulate over a memory copy`,
      value: median(ratios),
      unit: 'ratio',
      runs: ratios,
      conditions,
    },
    {
      suite,
      figure: `${kind}: payload bandwidth`,
      value: median(gigabytes),
      unit: 'GB/s',
      runs: gigabytes,
      conditions,
    },
    {
      suite,
      figure: `${kind}: values decoded and accumulated`,
      value: median(megavalues),
      unit: 'M/s',
      runs: megavalues,
      conditions,
    },
  ];
}

export const aggregateSuite: Suite = async (report) => {
  for (const kind of measured) {
    for (const figure of figuresOf(kind)) report(figure);
  }
};
