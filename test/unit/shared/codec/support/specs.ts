import { type CodecSpec, codecText, downCodecKinds } from '../../../../../shared/codec/codec-spec.ts';

/** One or more of every kind that is encoded without state. */
export const statelessSpecs: readonly CodecSpec[] = [
  { kind: 'float32' },
  { kind: 'float16' },
  { kind: 'int8' },
  { kind: 'int4' },
  { kind: 'sign' },
  { kind: 'topk', k: 31, valueBits: 2 },
  { kind: 'topk', k: 64, valueBits: 4 },
  { kind: 'topk', k: 65, valueBits: 8 },
  { kind: 'randomk', k: 33 },
];

export const downSpecs = statelessSpecs.filter(({ kind }) => downCodecKinds.some((down) => down === kind));

/** For `test.each`: what the title shows, and the spec. */
export const named = (specs: readonly CodecSpec[]) => specs.map((spec) => [codecText(spec), spec] as const);
