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

/** A keyword of JSON Schema, not a promise. */
const whenTrue = 'then';

function choice(type: string, ifSo: object, ifNot: object): object {
  return { if: { type }, [whenTrue]: ifSo, else: ifNot };
}

/** The bare name of a kind without parameters, or an object. */
function oneOfKinds(kinds: readonly CodecKind[]): object {
  const bare = { enum: kinds.filter((kind) => codecParameters[kind].length === 0) };
  const variants = { type: 'object', discriminator: { propertyName: 'kind' }, oneOf: kinds.map(specSchema) };
  return choice('string', bare, variants);
}

const upSpec = oneOfKinds(codecKinds);
const upList = {
  type: 'array',
  minItems: 1,
  maxItems: limits.codecsPerJobMax,
  uniqueItems: true,
  items: upSpec,
};

export const codecSchema = {
  type: 'object',
  additionalProperties: false,
  description: 'How updates travel up and parameters travel down; float32 when absent.',
  properties: {
    up: {
      description:
        'One codec, or those that a worker may choose from, each once and from fine to coarse; the first is the default.',
      ...choice('array', upList, upSpec),
    },
    down: {
      description: 'A codec that is decoded without state or seed.',
      ...oneOfKinds(downCodecKinds),
    },
  },
};
