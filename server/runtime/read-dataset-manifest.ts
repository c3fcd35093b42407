import { Ajv2020 } from 'ajv/dist/2020.js';
import { GradswarmError } from '../../shared/base/errors.ts';
import { limits } from '../../shared/base/limits.ts';
import { shardBytes } from '../../shared/data/assemble.ts';
import type { DatasetManifest, Split } from '../../shared/data/dataset-manifest.ts';
import type { BlobStore } from './ports.ts';

const text = { type: 'string', maxLength: limits.textCharactersMax } as const;
const texts = { type: 'array', items: text, maxItems: limits.classesMax } as const;
const shard = {
  type: 'object',
  required: ['hash', 'count', 'bytes'],
  additionalProperties: false,
  properties: {
    hash: { type: 'string', pattern: '^[0-9a-f]{64}$' },
    count: { type: 'integer', minimum: 1 },
    bytes: { type: 'integer', minimum: 1, maximum: limits.shardBytesMax },
  },
} as const;
const split = {
  type: 'object',
  required: ['shards', 'count'],
  additionalProperties: false,
  properties: {
    shards: { type: 'array', items: shard, maxItems: limits.shardsMax },
    count: { type: 'integer', minimum: 0 },
  },
} as const;
const column = {
  type: 'object',
  required: ['type', 'shape', 'scale', 'offset'],
  additionalProperties: false,
  properties: {
    type: { enum: ['uint8', 'uint16', 'float32'] },
    shape: { type: 'array', items: { type: 'integer', minimum: 1 }, maxItems: limits.tensorRankMax },
    scale: { type: 'number' },
    offset: { type: 'number' },
  },
} as const;
const statistics = { type: 'array', items: { type: 'object' }, maxItems: limits.columnsMax } as const;
const common = {
  name: { type: 'string', pattern: '^[a-z0-9][a-z0-9-]{0,62}$' },
  title: text,
  source: text,
  train: split,
  test: split,
} as const;
const records = {
  type: 'object',
  required: [...Object.keys(common), 'kind', 'task', 'input', 'target', 'outputSize'],
  additionalProperties: false,
  properties: {
    ...common,
    kind: { const: 'records' },
    task: { enum: ['classification', 'regression'] },
    input: column,
    target: column,
    outputSize: { type: 'integer', minimum: 1, maximum: limits.classesMax },
    classNames: texts,
    inputNames: texts,
    targetNames: texts,
    inputStatistics: statistics,
    targetStatistics: statistics,
  },
} as const;
const tokens = {
  type: 'object',
  required: [...Object.keys(common), 'kind', 'vocabularySize', 'tokenizer'],
  additionalProperties: false,
  properties: {
    ...common,
    kind: { const: 'tokens' },
    vocabularySize: { type: 'integer', minimum: 1, maximum: limits.vocabularyMax },
    tokenizer: {
      type: 'object',
      required: ['kind'],
      discriminator: { propertyName: 'kind' },
      oneOf: [
        { required: ['characters'], properties: { kind: { const: 'characters' }, characters: texts } },
        { required: ['merges'], properties: { kind: { const: 'bpe' }, merges: { type: 'array' } } },
      ],
    },
  },
} as const;

const ajv = new Ajv2020({ discriminator: true });
const validate = ajv.compile<DatasetManifest>({
  type: 'object',
  required: ['kind'],
  discriminator: { propertyName: 'kind' },
  oneOf: [records, tokens],
});

/**
 * Reads a data set's manifest and makes sure that every shard it names is stored with the length it must have.
 * @throws GradswarmError `badRequest` with the field, or `notFound` for a shard that was not uploaded.
 */
export function readDatasetManifest(manifestText: string, blobs: Pick<BlobStore, 'size'>): DatasetManifest {
  const manifest = parse(manifestText);
  if (!validate(manifest)) {
    const [error] = validate.errors ?? [];
    const field = (error?.instancePath ?? '').slice(1).replaceAll('/', '.');
    throw new GradswarmError(
      'badRequest',
      `is no data set manifest: ${error?.message ?? 'not valid'}`,
      field || undefined,
    );
  }
  checkSplit(manifest, manifest.train, 'train', blobs);
  checkSplit(manifest, manifest.test, 'test', blobs);
  if (manifest.train.count === 0) {
    throw new GradswarmError('dataInvalid', 'the data set has no training record', 'train');
  }
  return manifest;
}

function parse(manifestText: string): unknown {
  if (manifestText.length > limits.datasetManifestBytesMax) {
    const remedy = 'cut it into fewer, larger shards';
    throw new GradswarmError(
      'tooLarge',
      `the manifest has more than ${limits.datasetManifestBytesMax} characters; ${remedy}`,
    );
  }
  try {
    return JSON.parse(manifestText);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new GradswarmError('badRequest', `the manifest is no JSON: ${reason}`);
  }
}

function checkSplit(
  manifest: DatasetManifest,
  { shards, count }: Split,
  field: string,
  blobs: Pick<BlobStore, 'size'>,
): void {
  const total = shards.reduce((sum, shard) => sum + shard.count, 0);
  if (total !== count) {
    throw new GradswarmError(
      'badRequest',
      `count is ${count}, but its shards hold ${total}`,
      `${field}.count`,
    );
  }
  shards.forEach(({ hash, count: records, bytes }, index) => {
    const needed = shardBytes(manifest, records);
    const place = `${field}.shards[${index}]`;
    if (bytes !== needed) {
      throw new GradswarmError('badRequest', `${records} records take ${needed} bytes, not ${bytes}`, place);
    }
    if (blobs.size(hash) !== bytes) {
      throw new GradswarmError(
        'notFound',
        `the shard ${hash} was not uploaded; import the data set again`,
        place,
      );
    }
  });
}
