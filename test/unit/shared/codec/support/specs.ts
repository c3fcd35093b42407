import { type CodecSpec, codecText, downCodecKinds } from '../../../../../shared/codec/codec-spec.ts';

/** One or more of every kind that is encoded without state. */
export const statelessSpecs: readonly CodecSpec[] = [{ kind: 'float32' }, { kind: 'int8' }];

export const downSpecs = statelessSpecs.filter(({ kind }) => downCodecKinds.some((down) => down === kind));

/** For `test.each`: what the title shows, and the spec. */
export const named = (specs: readonly CodecSpec[]) => specs.map((spec) => [codecText(spec), spec] as const);
