import { GradswarmError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { chunkLength } from './chunks.ts';

/**
 * A codec with its parameters, as plain data. `k` values are kept of every chunk of 4,096; a shorter last chunk keeps
 * `min(k, its length)`.
 */
export type CodecSpec =
  | { readonly kind: 'float32' }
  | { readonly kind: 'float16' }
  | { readonly kind: 'int8' }
  | { readonly kind: 'int4' }
  | { readonly kind: 'sign' }
  | { readonly kind: 'topk'; readonly k: number; readonly valueBits: 2 | 4 | 8 }
  | { readonly kind: 'randomk'; readonly k: number }
  | { readonly kind: 'powersgd'; readonly rank: number }
  | { readonly kind: 'demo'; readonly k: number; readonly momentum: number };

export type CodecKind = CodecSpec['kind'];
export type CodecSpecOf<Kind extends CodecKind> = Extract<CodecSpec, { readonly kind: Kind }>;

type ParameterName = 'k' | 'valueBits' | 'rank' | 'momentum';

/** Parameters of each kind in the order of its text. */
export const codecParameters: { readonly [Kind in CodecKind]: readonly ParameterName[] } = {
  float32: [],
  float16: [],
  int8: [],
  int4: [],
  sign: [],
  topk: ['k', 'valueBits'],
  randomk: ['k'],
  powersgd: ['rank'],
  demo: ['k', 'momentum'],
};

export const codecKinds = Object.keys(codecParameters) as readonly CodecKind[];

/**
 * Kinds that the coordinator may send parameters with: they need neither state nor the unit's seed to be decoded. What
 * they leave out stays in `parameters - published`, which is their error feedback.
 */
export const downCodecKinds = [
  'float32',
  'float16',
  'int8',
  'int4',
  'sign',
  'topk',
] as const satisfies readonly CodecKind[];

export const topkValueBits = [2, 4, 8] as const;

/** By parameter: what a job may ask for. */
const isInRange: { readonly [Name in ParameterName]: (value: number) => boolean } = {
  k: (value) => Number.isInteger(value) && value >= 1 && value <= chunkLength,
  valueBits: (value) => topkValueBits.some((bits) => bits === value),
  rank: (value) => Number.isInteger(value) && value >= 1 && value <= limits.codecRankMax,
  momentum: (value) => value >= 0 && value < 1,
};

/** Canonical: `int8`, `topk/64/2`, `demo/32/0.999`. The codec's name in headers of contributions and updates. */
export function codecText(spec: CodecSpec): string {
  const values = spec as { readonly [Name in ParameterName]?: number };
  return [spec.kind, ...codecParameters[spec.kind].map((name) => values[name])].join('/');
}

export function isCodecKind(text: string): text is CodecKind {
  return Object.hasOwn(codecParameters, text);
}

/** @throws GradswarmError `wrongCodec` for anything that `codecText` does not write. */
export function parseCodecText(text: string): CodecSpec {
  const [kind = '', ...values] = text.split('/');
  if (!isCodecKind(kind)) {
    throw wrongCodec(`No codec is called "${kind}"; there are ${codecKinds.join(', ')}.`);
  }
  const names = codecParameters[kind];
  const numbers = values.map(Number);
  const isGood = names.every((name, index) => isInRange[name](numbers[index] ?? Number.NaN));
  const spec = {
    kind,
    ...Object.fromEntries(names.map((name, index) => [name, numbers[index]])),
  } as CodecSpec;
  if (isGood && codecText(spec) === text) return spec;
  const form = [kind, ...names.map((name) => name.toUpperCase())].join('/');
  throw wrongCodec(`"${text}" is no codec: write ${form}, with values that a job may ask for.`);
}

function wrongCodec(message: string): GradswarmError {
  return new GradswarmError('wrongCodec', message, 'codec');
}
