import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Checkpoint } from '../../../../server/runtime/ports.ts';
import { createCheckpointStore } from '../../../../server/storage/checkpoint-store.ts';
import { createMemoryBlobStore } from '../../../../server/storage/memory-blob-store.ts';
import { asJobId } from '../../../../shared/base/ids.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function checkpoint(changes: Partial<Checkpoint['state']> = {}): Checkpoint {
  return {
    jobId: asJobId('job'),
    tensors: [
      { name: 'kernel', shape: [2, 2] },
      { name: 'mean', shape: [2], role: 'statistic' },
      { name: 'scalar', shape: [] },
    ],
    optimizer: 'adamw',
    state: {
      version: 12,
      parameters: Float32Array.of(1, 2, 3, 4, 5, 6, 7),
      published: Float32Array.of(1, 2, 3, 4, 5, 6, 7.5),
      optimizer: {
        slots: [new Float32Array(7).fill(0.1), new Float32Array(7).fill(0.2)],
        scalars: Float64Array.of(0.9 ** 12, 0.999 ** 12),
      },
      ...changes,
    },
  };
}

const corrupted = expect.objectContaining({ name: 'GradswarmError', code: 'corrupted' });

describe('a checkpoint', () => {
  test('comes back as it was saved, in arrays of its own', () => {
    const blobs = createMemoryBlobStore();
    const store = createCheckpointStore(blobs);
    const { manifestHash } = store.save(checkpoint());
    const loaded = store.load(manifestHash);
    expect(loaded).toEqual(checkpoint());
    loaded.state.parameters.fill(9);
    expect(store.load(manifestHash)).toEqual(checkpoint());
  });

  test('keeps every double of the scalars', () => {
    const doubles = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(doubles, doubles, (first, second) => {
        const store = createCheckpointStore(createMemoryBlobStore());
        // Adding zero leaves out -0, which JSON does not know and no product of betas is.
        const scalars = Float64Array.of(first + 0, second + 0);
        const optimizer = { ...checkpoint().state.optimizer, scalars };
        const { manifestHash } = store.save(checkpoint({ optimizer }));
        expect(store.load(manifestHash).state.optimizer.scalars).toEqual(scalars);
      }),
    );
  });

  test('names every blob once, and nothing else is stored', () => {
    const blobs = createMemoryBlobStore();
    const { parameters } = checkpoint().state;
    const { manifestHash, blobs: named } = createCheckpointStore(blobs).save(
      checkpoint({ published: parameters }),
    );
    expect(named).toHaveLength(3);
    expect(blobs.list()).toEqual([manifestHash, ...named].sort());
  });

  test('cannot be loaded without one of its blobs', () => {
    const { blobs: named } = createCheckpointStore(createMemoryBlobStore()).save(checkpoint());
    for (const hash of named) {
      const blobs = createMemoryBlobStore();
      const store = createCheckpointStore(blobs);
      const { manifestHash } = store.save(checkpoint());
      blobs.delete(hash);
      expect(() => store.load(manifestHash)).toThrow(expect.objectContaining({ code: 'notFound' }));
    }
  });
});

describe('a malformed manifest is corrupted', () => {
  const blobs = createMemoryBlobStore();
  const store = createCheckpointStore(blobs);
  const good = JSON.parse(decoder.decode(blobs.get(store.save(checkpoint()).manifestHash))) as object;
  const shortBlob = blobs.put(new Uint8Array(8));

  test.each<[string, object]>([
    ['format', { format: 'other' }],
    ['format version', { formatVersion: 2 }],
    ['job', { jobId: 'NO GOOD' }],
    ['negative version', { version: -1 }],
    ['fractional version', { version: 0.5 }],
    ['optimizer', { optimizer: 'constructor' }],
    ['optimizer of other slots', { optimizer: 'sgd' }],
    ['tensors', { tensors: {} }],
    ['tensor name', { tensors: [{ name: 1, shape: [7] }] }],
    ['tensor shape', { tensors: [{ name: 'a', shape: ['7'] }] }],
    ['tensor role', { tensors: [{ name: 'a', shape: [7], role: 'x' }] }],
    ['other size', { tensors: [{ name: 'a', shape: [8] }] }],
    ['hash', { parameters: 'abc' }],
    ['short blob', { published: shortBlob }],
    ['no slots', { slots: [] }],
    ['scalars', { scalars: ['1', '2'] }],
    ['missing scalars', { scalars: [] }],
  ])('%s', (_, changes) => {
    const manifestHash = blobs.put(encoder.encode(JSON.stringify({ ...good, ...changes })));
    expect(() => store.load(manifestHash)).toThrow(corrupted);
  });

  test.each(['', 'null', '[]', '{', '"text"', '\u0000'])('document %j', (text) => {
    expect(() => store.load(blobs.put(encoder.encode(text)))).toThrow(corrupted);
  });
});
