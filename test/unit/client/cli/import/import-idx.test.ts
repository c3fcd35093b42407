import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { RecordDataset } from '../../../../../shared/data/dataset-manifest.ts';
import { refusal, rowsOf, runImport, useFolder } from './import-harness.ts';

/** Big-endian, as LeCun's page describes it. */
function idx(type: number, dimensions: readonly number[], elements: Uint8Array): Uint8Array {
  const header = Buffer.alloc(4 + dimensions.length * 4);
  header.set([0, 0, type, dimensions.length]);
  for (const [axis, dimension] of dimensions.entries()) header.writeUInt32BE(dimension, 4 + axis * 4);
  return Buffer.concat([header, elements]);
}

const file = useFolder();
const pixels = Uint8Array.from({ length: 10 * 2 * 3 }, (_, place) => place);
const labels = Uint8Array.from({ length: 10 }, (_, place) => place % 4);
const images = () => file('images', idx(8, [10, 2, 3], pixels));
const labelFile = () => file('labels', idx(8, [10], labels));
const options = () => ({ kind: 'idx', name: 'digits', images: images(), labels: labelFile() }) as const;

describe('an IDX import', () => {
  it('keeps every image with its label, shuffled, each in one of the splits', async () => {
    const imported = await runImport({ ...options(), testFraction: 0.3 });
    const manifest = imported.manifest as RecordDataset;
    expect(manifest).toMatchObject({
      kind: 'records',
      task: 'classification',
      input: { type: 'uint8', shape: [2, 3, 1], scale: 1 / 255, offset: 0 },
      target: { type: 'uint8', shape: [] },
      outputSize: 4,
      classNames: ['0', '1', '2', '3'],
    });
    const [train, test] = [rowsOf(imported.read('train')), rowsOf(imported.read('test'))];
    expect([train.length, test.length]).toEqual([7, 3]);
    const found = [...train, ...test].map((row) =>
      row.map((value, place) => (place < 6 ? Math.round(value * 255) : value)),
    );
    const order = found.map(([first = 0]) => first / 6);
    expect([...order].sort((left, right) => left - right)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(order).not.toEqual([...order].sort((left, right) => left - right));
    for (const row of found) {
      const record = (row[0] ?? 0) / 6;
      expect(row).toEqual([...pixels.slice(record * 6, record * 6 + 6), record % 4]);
    }
  });

  it('gives the same shards for the same seed, and others for another', async () => {
    const hashes = async (seed: number) =>
      (await runImport({ ...options(), seed })).manifest.train.shards.map(({ hash }) => hash);
    expect(await hashes(3)).toEqual(await hashes(3));
    expect(await hashes(3)).not.toEqual(await hashes(4));
  });

  it('reads gzip, and takes test files as the test split', async () => {
    const testImages = file('test-images.gz', gzipSync(idx(8, [2, 2, 3], pixels.subarray(0, 12))));
    const testLabels = file('test-labels.gz', gzipSync(idx(8, [2], Uint8Array.of(5, 0))));
    const imported = await runImport({ ...options(), testImages, testLabels });
    expect([imported.manifest.train.count, imported.manifest.test.count]).toEqual([10, 2]);
    expect((imported.manifest as RecordDataset).outputSize).toBe(6);
    expect(
      rowsOf(imported.read('test'))
        .map((row) => row[6])
        .sort(),
    ).toEqual([0, 5]);
  });

  it('reads big-endian numbers of other types', async () => {
    const floats = Buffer.alloc(4 * 4);
    for (const [place, value] of [1.5, -2, 0.25, 1e6].entries()) floats.writeFloatBE(value, place * 4);
    const imported = await runImport({
      kind: 'idx',
      name: 'floats',
      images: file('images', idx(13, [2, 2], floats)),
      labels: file('labels', idx(11, [2], Uint8Array.of(0, 0, 1, 0x2c))),
      testFraction: 0.5,
    });
    expect(imported.manifest).toMatchObject({
      input: { type: 'float32', shape: [2] },
      target: { type: 'uint16' },
      outputSize: 301,
    });
    const rows = [...rowsOf(imported.read('train')), ...rowsOf(imported.read('test'))];
    expect(rows.sort((left, right) => (left[2] ?? 0) - (right[2] ?? 0))).toEqual([
      [1.5, -2, 0],
      [0.25, 1e6, 300],
    ]);
  });
});

describe('an IDX import refuses', () => {
  it('a file that is cut short, with its byte counts', async () => {
    const whole = idx(8, [10, 2, 3], pixels);
    const path = file('short', whole.subarray(0, whole.length - 1));
    const error = await refusal({ ...options(), images: path });
    expect(error.code).toBe('dataInvalid');
    expect(error.message).toContain(path);
    expect(error.message).toMatch(/10 × 2 × 3 .*76 bytes.* 75\./);
  });

  it('every prefix of a header, a wrong magic and trailing bytes', async () => {
    const whole = idx(8, [10], labels);
    for (let length = 0; length < 8; length++) {
      const error = await refusal({ ...options(), labels: file('cut', whole.subarray(0, length)) });
      expect(error.code).toBe('dataInvalid');
    }
    const text = await refusal({ ...options(), labels: file('text', 'label,0,1,2') });
    expect(text.message).toMatch(/not an IDX file.*0x6c616265/);
    const long = await refusal({
      ...options(),
      labels: file('long', Buffer.concat([whole, Buffer.alloc(1)])),
    });
    expect(long.message).toContain('too long');
  });

  it('a broken gzip file, a missing file and a folder', async () => {
    const packed = gzipSync(idx(8, [10, 2, 3], pixels));
    const broken = await refusal({
      ...options(),
      images: file('cut.gz', packed.subarray(0, packed.length - 9)),
    });
    expect(broken).toMatchObject({ code: 'dataInvalid', message: expect.stringContaining('cut.gz') });
    expect((await refusal({ ...options(), images: file('nothing') })).code).toBe('notFound');
    expect((await refusal({ ...options(), images: file('.') })).code).toBe('badRequest');
  });

  it('labels that do not fit the images, and test images of another size', async () => {
    const fewer = file('fewer', idx(8, [9], labels.subarray(0, 9)));
    expect((await refusal({ ...options(), labels: fewer })).message).toContain('9 labels for the 10 images');
    const testImages = file('test-images', idx(8, [1, 3, 2], new Uint8Array(6)));
    const testLabels = file('test-labels', idx(8, [1], new Uint8Array(1)));
    expect((await refusal({ ...options(), testImages, testLabels })).message).toMatch(/3 × 2.*2 × 3/);
    expect((await refusal({ ...options(), testImages })).field).toBe('testLabels');
  });

  it('an empty set, a single image, and a negative label', async () => {
    const none = {
      images: file('none', idx(8, [0, 2, 3], new Uint8Array())),
      labels: file('none-labels', idx(8, [0], new Uint8Array())),
    };
    expect((await refusal({ ...options(), ...none })).code).toBe('dataInvalid');
    const one = {
      images: file('one', idx(8, [1, 2, 3], pixels.subarray(0, 6))),
      labels: file('one-label', idx(8, [1], new Uint8Array(1))),
    };
    expect((await refusal({ ...options(), ...one })).message).toContain('no test records');
    const negative = file('negative', idx(9, [10], new Uint8Array(10).fill(255)));
    expect((await refusal({ ...options(), labels: negative })).message).toContain('label 0 is -1');
  });

  it.each(['', 'Digits', 'a b', '-a', 'x'.repeat(64)])('the name %j', async (name) => {
    expect(await refusal({ ...options(), name })).toMatchObject({ code: 'badRequest', field: 'name' });
  });
});
