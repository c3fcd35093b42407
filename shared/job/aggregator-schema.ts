import { limits } from '../base/limits.ts';

const count = (minimum: number, description: string): object => ({
  type: 'integer',
  minimum,
  maximum: limits.unitsPerRoundMax,
  description,
});

function variant(kind: string, properties: Readonly<Record<string, object>>): object {
  return {
    type: 'object',
    additionalProperties: false,
    required: ['kind', ...Object.keys(properties)],
    properties: { kind: { const: kind }, ...properties },
  };
}

const faulty = count(0, 'Contributions of a round that may be lies.');

const before = {
  type: 'object',
  description: 'What is done to the contributions first; nothing when absent.',
  discriminator: { propertyName: 'kind' },
  oneOf: [
    variant('bucketing', { size: count(1, 'Contributions that chance puts together and averages.') }),
    variant('nearestNeighbourMixing', { faulty }),
  ],
};

const functions = [
  variant('mean', {}),
  variant('weightedMean', {}),
  variant('trimmedMean', { trim: count(1, 'Values left out at either end of every coordinate.') }),
  variant('median', {}),
  variant('geometricMedian', {}),
  variant('krum', { faulty }),
  variant('multiKrum', { faulty }),
  variant('bulyan', { faulty }),
  variant('centredClipping', {
    radius: {
      type: 'number',
      exclusiveMinimum: 0,
      description: 'L2 distance from the centre to which contributions are cut back.',
    },
  }),
  variant('medianNormClip', {}),
  variant('custom', {
    name: {
      type: 'string',
      pattern: '^[a-z0-9][a-z0-9-]{0,62}$',
      description: 'Name of a module in the setting `aggregators` of every coordinator.',
    },
  }),
];

export const aggregatorSchema = {
  type: 'object',
  description:
    'How contributions become one vector; weightedMean when absent. Everything but the plain means keeps every vector of a round in memory.',
  discriminator: { propertyName: 'kind' },
  oneOf: functions.map((schema) => withBefore(schema as { readonly properties: object })),
};

function withBefore(schema: { readonly properties: object }): object {
  return { ...schema, properties: { ...schema.properties, before } };
}
