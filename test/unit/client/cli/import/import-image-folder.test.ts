import { encode as encodeJpeg } from 'jpeg-js';
import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import type { ImageFolderImport } from '../../../../../client/cli/import/import-options.ts';
import { resizeImage } from '../../../../../client/cli/import/resize-image.ts';
import type { RecordDataset } from '../../../../../shared/data/dataset-manifest.ts';
import { refusal, rowsOf, runImport, useFolder } from './import-harness.ts';

type Colour = readonly [red: number, green: number, blue: number, alpha: number];

function pixels(width: number, height: number, colourAt: (x: number, y: number) => Colour): Buffer {
  const data = Buffer.alloc(width * height * 4);
  for (let place = 0; place < width * height; place++) {
    data.set(colourAt(place % width, Math.floor(place / width)), place * 4);
  }
  return data;
}

function png(width: number, height: number, colour: Colour): Buffer {
  const image = new PNG({ width, height });
  image.data = pixels(width, height, () => colour);
  return PNG.sync.write(image);
}

const red: Colour = [255, 0, 0, 255];
const blue: Colour = [0, 0, 255, 255];
const file = useFolder();

function writeFolder(): ImageFolderImport {
  const jpeg = encodeJpeg({ width: 16, height: 16, data: pixels(16, 16, () => blue) }, 95).data;
  file('images/red/a.png', png(3, 5, red));
  file('images/red/b.PNG', png(8, 8, red));
  file('images/blue/c.png', png(1, 1, blue));
  file('images/blue/d.jpeg', jpeg);
  file('images/blue/e.jpg', jpeg);
  file('images/blue/.hidden.png', 'not an image');
  file('images/blue/notes.txt', 'not an image');
  return { kind: 'images', name: 'colours', folder: file('images'), height: 2, width: 2, channels: 3 };
}

describe('an image folder import', () => {
  it('takes each sub-folder for a class, and every image at the given size', async () => {
    const imported = await runImport({ ...writeFolder(), testFraction: 0.2 });
    expect(imported.manifest as RecordDataset).toMatchObject({
      task: 'classification',
      input: { type: 'uint8', shape: [2, 2, 3], scale: 1 / 255 },
      classNames: ['blue', 'red'],
      outputSize: 2,
    });
    const rows = [...rowsOf(imported.read('train')), ...rowsOf(imported.read('test'))];
    expect(rows).toHaveLength(5);
    for (const row of rows) {
      const [r = 0, g = 0, b = 0] = row;
      const label = row.at(-1);
      expect(label === 1 ? r : b).toBeGreaterThan(0.98);
      expect(g).toBeLessThan(0.02);
    }
    expect(rows.map((row) => row.at(-1)).sort()).toEqual([0, 0, 0, 1, 1]);
  });

  it('turns colours to grey by their luma', async () => {
    const imported = await runImport({ ...writeFolder(), channels: 1 });
    expect(imported.manifest).toMatchObject({ input: { shape: [2, 2, 1] } });
    for (const row of rowsOf(imported.read('train'))) {
      expect(row[0]).toBeCloseTo(row.at(-1) === 1 ? 0.299 : 0.114, 1);
    }
  });

  it('takes a test folder as the test split', async () => {
    const options = writeFolder();
    file('test/red/x.png', png(2, 2, red));
    const imported = await runImport({ ...options, testFolder: file('test') });
    expect(rowsOf(imported.read('test')).map((row) => row.at(-1))).toEqual([1]);
    file('test/green/y.png', png(2, 2, red));
    expect((await refusal({ ...options, testFolder: file('test') })).message).toContain('green');
  });

  it('names a file that cannot be decoded, and one that is something else', async () => {
    const options = writeFolder();
    const whole = png(8, 8, red);
    const cut = file('images/red/cut.png', whole.subarray(0, whole.length - 20));
    expect(await refusal(options)).toMatchObject({ code: 'dataInvalid', field: cut });
    file('images/red/cut.png', png(1, 1, red));
    const text = file('images/blue/text.jpg', 'this is text');
    expect((await refusal(options)).message).toContain(`${text} is neither a PNG nor a JPEG image`);
  });

  it('refuses an image whose header claims more pixels than memory has, before it takes any', async () => {
    const options = writeFolder();
    const bomb = png(1, 1, red);
    bomb.writeUInt32BE(2 ** 20, 16);
    bomb.writeUInt32BE(2 ** 20, 20);
    file('images/red/bomb.png', bomb);
    expect((await refusal(options)).message).toMatch(/bomb\.png cannot be decoded: it has more than/);
  });

  it('refuses a folder without classes, a class without images, and a size of nothing', async () => {
    file('single/only/a.png', png(1, 1, red));
    const options = writeFolder();
    expect((await refusal({ ...options, folder: file('single') })).message).toContain('1 sub-folders');
    expect((await refusal({ ...options, folder: file('missing') })).code).toBe('notFound');
    expect((await refusal({ ...options, height: 0 })).field).toBe('height');
    file('images/empty/readme.txt', '');
    expect((await refusal(options)).message).toMatch(/empty holds no PNG or JPEG/);
  });
});

describe('resizing', () => {
  const grey = (width: number, height: number, values: readonly number[]) => ({
    width,
    height,
    rgba: pixels(width, height, (x, y) => {
      const value = values[y * width + x] ?? 0;
      return [value, value, value, 255];
    }),
  });

  it('leaves an image of the right size alone', () => {
    expect([...resizeImage(grey(2, 2, [1, 2, 3, 4]), 2, 2, 1)]).toEqual([1, 2, 3, 4]);
  });

  it('takes the mean of the covered area when it makes smaller, parts of pixels too', () => {
    expect([...resizeImage(grey(4, 2, [0, 10, 20, 30, 40, 50, 60, 70]), 1, 2, 1)]).toEqual([25, 45]);
    expect([...resizeImage(grey(3, 1, [0, 90, 180]), 1, 2, 1)]).toEqual([30, 150]);
  });

  it('interpolates when it makes larger', () => {
    expect([...resizeImage(grey(2, 1, [0, 100]), 1, 4, 1)]).toEqual([0, 25, 75, 100]);
    expect([...resizeImage(grey(1, 1, [7]), 2, 2, 1)]).toEqual([7, 7, 7, 7]);
  });

  it('lays transparency over white', () => {
    const half = { width: 1, height: 1, rgba: Uint8Array.of(0, 0, 0, 51) };
    expect([...resizeImage(half, 1, 1, 3)]).toEqual([204, 204, 204]);
  });
});
