import { limits } from '../base/limits.ts';
import { chunkLength } from '../codec/chunks.ts';
import {
  type CodecKind,
  codecKinds,
  codecParameters,
  downCodecKinds,
  topkValueBits,
} from '../codec/codec-spec.ts';

/** Schemas of the parameters that a codec may have, by their name in `CodecSpec`. */
const parameters = {
  k: {
    type: 'integer',
    minimum: 1,
    maximum: chunkLength,
    description: `Values kept of every ${chunkLength}.`,
  },
  valueBits: { enum: topkValueBits, description: 'Bits of every kept value.' },
  rank: {
    type: 'integer',
    minimum: 1,
    maximum: limits.codecRankMax,
    description: 'Columns of the two factors of a matrix.',
  },
  momentum: {
    type: 'number',
    minimum: 0,
    exclusiveMaximum: 1,
    description: 'Part of what was not sent that is kept for the next update.',
  },
} as const;

function specSchema(kind: CodecKind): object {
  const names = codecParameters[kind];
  return {
    type: 'object',
    additionalProperties: false,
    required: ['kind', ...names],
    properties: {
      kind: { const: kind },
      ...Object.fromEntries(names.map((name) => [name, parameters[name]])),
    },
  };
}

/** The bare name of a kind without parameters, or an object. */
function oneOfKinds(kinds: readonly CodecKind[]): object {
  return {
    if: { type: 'string' },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: { enum: kinds.filter((kind) => codecParameters[kind].length === 0) },
    else: { type: 'object', discriminator: { propertyName: 'kind' }, oneOf: kinds.map(specSchema) },
  };
}

const upSpec = oneOfKinds(codecKinds);

export const codecSchema = {
  type: 'object',
  additionalProperties: false,
  description: 'How updates travel up and parameters travel down; float32 when absent.',
  properties: {
    up: {
      description: 'One codec, or those that a worker may choose from; the first is the default.',
      if: { type: 'array' },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: {
        type: 'array',
        minItems: 1,
        maxItems: limits.codecsPerJobMax,
        uniqueItems: true,
        items: upSpec,
      },
      else: upSpec,
    },
    down: {
      description: 'A codec that is decoded without state or seed.',
      ...oneOfKinds(downCodecKinds),
    },
  },
};
