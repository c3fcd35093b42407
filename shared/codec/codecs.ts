import { assert } from '../base/assert.ts';
import { GradswarmError } from '../base/errors.ts';
import type { Codec, CodecName } from './codec.ts';
import { float32 } from './float32.ts';
import { int8 } from './int8.ts';

const codecs: Readonly<Record<CodecName, Codec>> = { float32, int8 };

export const codecNames = Object.keys(codecs) as readonly CodecName[];

for (const name of codecNames)
  assert(codecs[name].name === name, `codec ${name} is filed under its own name`);

export function isCodecName(text: string): text is CodecName {
  return Object.hasOwn(codecs, text);
}

/** @throws GradswarmError `wrongCodec`. */
export function codecNamed(name: string): Codec {
  if (!isCodecName(name)) {
    throw new GradswarmError(
      'wrongCodec',
      `No codec is called "${name}"; there are ${codecNames.join(', ')}.`,
      'codec',
    );
  }
  return codecs[name];
}
