import { assert } from '../base/assert.ts';
import { createManifest, type ParameterManifest } from '../tensor/manifest.ts';
import type { Codec } from './codec.ts';
import {
  type CodecKind,
  type CodecSpec,
  type CodecSpecOf,
  codecKinds,
  parseCodecText,
} from './codec-spec.ts';
import { createDemo } from './demo.ts';
import { createFloat16 } from './float16.ts';
import { createFloat32 } from './float32.ts';
import { createInt4 } from './int4.ts';
import { createInt8 } from './int8.ts';
import { createPowersgd } from './powersgd.ts';
import { createRandomk } from './randomk.ts';
import { createSign } from './sign.ts';
import { createTopk } from './topk.ts';

type CodecFactory<Kind extends CodecKind> = (spec: CodecSpecOf<Kind>, manifest: ParameterManifest) => Codec;

/** Every codec by its kind; the type makes the table complete. */
const factories: { readonly [Kind in CodecKind]: CodecFactory<Kind> } = {
  float32: createFloat32,
  float16: createFloat16,
  int8: createInt8,
  int4: createInt4,
  sign: createSign,
  topk: createTopk,
  randomk: createRandomk,
  powersgd: createPowersgd,
  demo: createDemo,
};

for (const kind of codecKinds) assert(Object.hasOwn(factories, kind), `codec ${kind} is in the table`);

/** `spec` is within the bounds of a job document. */
export function createCodec(spec: CodecSpec, manifest: ParameterManifest): Codec {
  const create = factories[spec.kind] as (spec: CodecSpec, manifest: ParameterManifest) => Codec;
  return create(spec, manifest);
}

/**
 * Codecs of one manifest by their text, each made once.
 * @throws GradswarmError (the function) `wrongCodec`.
 */
export function createCodecs(manifest: ParameterManifest): (text: string) => Codec {
  const made = new Map<string, Codec>();
  return (text) => {
    const known = made.get(text);
    if (known !== undefined) return known;
    const codec = createCodec(parseCodecText(text), manifest);
    made.set(text, codec);
    return codec;
  };
}

/** For flat vectors whose tensors do not matter. */
export function createFlatCodec(spec: CodecSpec, length: number): Codec {
  return createCodec(spec, createManifest([{ name: 'flat', shape: [length] }]));
}
