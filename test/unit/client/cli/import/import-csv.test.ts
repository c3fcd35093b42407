import { describe, expect, it } from 'vitest';
import type { RecordDataset } from '../../../../../shared/data/dataset-manifest.ts';
import { refusal, rowsOf, runImport, useFolder } from './import-harness.ts';

const file = useFolder();
const csv = (...lines: readonly string[]) => file('table.csv', `${lines.join('\n')}\n`);

const flowers = () =>
  csv(
    'length,colour,species',
    '1.5,red,rose',
    '2.5,blue,iris',
    '3.5,red,rose',
    '4.5,green,iris',
    '5.5,blue,iris',
    '6.5,red,rose',
  );

describe('a CSV import', () => {
  it('standardises numbers, makes categories one-hot, and finds that a text target is a class', async () => {
    const imported = await runImport({
      kind: 'csv',
      name: 'flowers',
      path: flowers(),
      targets: ['species'],
      testFraction: 0.3,
    });
    const manifest = imported.manifest as RecordDataset;
    expect(manifest).toMatchObject({
      task: 'classification',
      input: { type: 'float32', shape: [4] },
      target: { type: 'uint16', shape: [] },
      outputSize: 2,
      classNames: ['iris', 'rose'],
      inputNames: ['length', 'colour=blue', 'colour=green', 'colour=red'],
      targetNames: ['species'],
    });
    const train = rowsOf(imported.read('train'));
    const lengths = train.map(([length = 0]) => length);
    expect(lengths.reduce((sum, value) => sum + value, 0)).toBeCloseTo(0, 5);
    expect(lengths.reduce((sum, value) => sum + value ** 2, 0) / lengths.length).toBeCloseTo(1, 5);
    const [statistics] = manifest.inputStatistics ?? [];
    const all = [...train, ...rowsOf(imported.read('test'))].map(([length = 0, ...rest]) => [
      Math.round((length * (statistics?.deviation ?? 0) + (statistics?.mean ?? 0)) * 10) / 10,
      ...rest,
    ]);
    expect(all.sort((left, right) => (left[0] ?? 0) - (right[0] ?? 0))).toEqual([
      [1.5, 0, 0, 1, 1],
      [2.5, 1, 0, 0, 0],
      [3.5, 0, 0, 1, 1],
      [4.5, 0, 1, 0, 0],
      [5.5, 1, 0, 0, 0],
      [6.5, 0, 0, 1, 1],
    ]);
  });

  it('predicts several numbers at once, standardised, with the statistics to undo it', async () => {
    const rows = Array.from({ length: 40 }, (_, place) => `${place},${1000 + place * 10},${-place / 3}`);
    const imported = await runImport({
      kind: 'csv',
      name: 'prices',
      path: csv('size,price,tax', ...rows),
      targets: ['tax', 'price'],
    });
    const manifest = imported.manifest as RecordDataset;
    expect(manifest).toMatchObject({
      task: 'regression',
      outputSize: 2,
      target: { type: 'float32', shape: [2] },
      targetNames: ['tax', 'price'],
    });
    const [size, tax, price] = [manifest.inputStatistics?.[0], ...(manifest.targetStatistics ?? [])];
    for (const row of rowsOf(imported.read('test'))) {
      const [a = 0, b = 0, c = 0] = row;
      const original = a * (size?.deviation ?? 0) + (size?.mean ?? 0);
      expect(b * (tax?.deviation ?? 0) + (tax?.mean ?? 0)).toBeCloseTo(-original / 3, 3);
      expect(c * (price?.deviation ?? 0) + (price?.mean ?? 0)).toBeCloseTo(1000 + original * 10, 2);
    }
  });

  it('takes few whole numbers for classes, many or broken ones for a quantity, unless told', async () => {
    const task = async (values: readonly string[], chosen?: 'classification' | 'regression') => {
      const path = csv('x,y', ...values.map((value, place) => `${place},${value}`));
      const base = { kind: 'csv', name: 'guess', path, targets: ['y'] } as const;
      return ((await runImport(chosen ? { ...base, task: chosen } : base)).manifest as RecordDataset).task;
    };
    expect(await task(['10', '2', '10', '2'])).toBe('classification');
    expect(await task(['10', '2.5', '10', '2'])).toBe('regression');
    expect(await task(Array.from({ length: 30 }, (_, place) => String(place)))).toBe('regression');
    expect(await task(['10', '2', '10', '2'], 'regression')).toBe('regression');
    expect(await task(['1.5', '2.5', '1.5'], 'classification')).toBe('classification');
  });

  it('sorts classes that are numbers by size', async () => {
    const imported = await runImport({
      kind: 'csv',
      name: 'x',
      path: csv('x,y', '1,10', '2,9', '3,10'),
      targets: ['y'],
    });
    expect((imported.manifest as RecordDataset).classNames).toEqual(['9', '10']);
  });

  it('reads quotes, a byte order mark, CRLF, empty lines and semicolons', async () => {
    const path = file('table.csv', '\ufeffa;"b; c";y\r\n\r\n"1,5";2;"x ""y"""\r\n"2,5";4;z\r\n');
    const imported = await runImport({ kind: 'csv', name: 'x', path, targets: ['y'] });
    const manifest = imported.manifest as RecordDataset;
    expect(manifest.inputNames).toEqual(['a=1,5', 'a=2,5', 'b; c']);
    expect(manifest.classNames).toEqual(['x "y"', 'z']);
  });

  it('reads codes as categories and leaves columns out when told', async () => {
    const path = csv('id,zip,y', '1,100,a', '2,A3,b', '3,100,a');
    const imported = await runImport({
      kind: 'csv',
      name: 'x',
      path,
      targets: ['y'],
      ignore: ['id'],
      categories: ['zip'],
    });
    expect((imported.manifest as RecordDataset).inputNames).toEqual(['zip=100', 'zip=A3']);
  });

  it('fills a missing number with the mean of the training rows, a missing category with none', async () => {
    const path = csv('x,c,y', '1,red,a', ',red,b', '3,,a', '5,blue,b');
    const imported = await runImport({
      kind: 'csv',
      name: 'x',
      path,
      targets: ['y'],
      missing: 'mean',
      testFraction: 0.25,
    });
    const rows = [...rowsOf(imported.read('train')), ...rowsOf(imported.read('test'))];
    expect(rows.filter(([, blue, red]) => blue === 0 && red === 0)).toHaveLength(1);
    const missing = rows.filter(([x, , red, label]) => x === 0 && red === 1 && label === 1);
    expect(missing).toHaveLength(1);
  });

  it('learns its statistics from the training file alone, and its categories from both', async () => {
    const path = csv('x,c,y', '1,red,a', '3,blue,b');
    const testPath = file('test.csv', 'x,c,y\n100,green,a\n');
    const imported = await runImport({ kind: 'csv', name: 'x', path, testPath, targets: ['y'] });
    const manifest = imported.manifest as RecordDataset;
    expect(manifest.inputStatistics?.[0]).toEqual({ mean: 2, deviation: 1 });
    expect(rowsOf(imported.read('test'))).toEqual([[98, 0, 1, 0, 0]]);
  });
});

describe('a CSV import refuses', () => {
  const check = async (lines: readonly string[], message: RegExp, field?: string) => {
    const error = await refusal({ kind: 'csv', name: 'x', path: csv(...lines), targets: ['y'] });
    expect(error.message).toMatch(message);
    expect(error.code).toBe('dataInvalid');
    if (field) expect(error.field).toBe(field);
  };

  it('a ragged row, with its line', async () => {
    await check(['x,y', '1,a', '2', '3,a'], /table\.csv, line 3: the row has 1 values.* 2 columns/, 'line 3');
    await check(['x,y', '1,a', '2,b,c'], /line 3: the row has 3 values/, 'line 3');
  });

  it('text in a number column, with line, column and value', async () => {
    await check(
      ['x,y', '1,a', '"2', '",b', 'three,a'],
      /line 5, column x: "three" is not a number/,
      'line 5, column x',
    );
    await check(['x,y', '1,2', '2,n3'], /line 3, column y: "n3"/, 'line 3, column y');
  });

  it('a missing value, with line and column, and says what can be done', async () => {
    await check(
      ['x,y', '1,a', ',b'],
      /line 3, column x: the value is missing.*--missing mean/,
      'line 3, column x',
    );
    await check(['x,y', '1,a', '2,NA'], /line 3, column y: the value is missing\. Remove the row/);
  });

  it('an empty file, and a header without rows', async () => {
    await check([''], /no rows/);
    await check(['x,y'], /no rows/);
  });

  it('a broken quote, a repeated column, a target with one value, and no input', async () => {
    await check(['x,y', '1,"a'], /Quote/);
    await check(['x,x,y', '1,2,a'], /two columns are called "x"/);
    await check(['x,y', '1,a', '2,a'], /only one value/);
    await check(['y', 'a', 'b'], /no input column/);
  });

  it('a category column with too many values', async () => {
    const rows = Array.from({ length: 70 }, (_, place) => `name ${place},${place % 2 ? 'a' : 'b'}`);
    await check(['x,y', ...rows], /column x has more than 64 different values.*--ignore/i, 'column x');
  });

  it('a target that is not there, and lists the columns', async () => {
    const error = await refusal({ kind: 'csv', name: 'x', path: flowers(), targets: ['price'] });
    expect(error).toMatchObject({ code: 'badRequest', field: 'price' });
    expect(error.message).toContain('length, colour, species');
  });

  it('regression on text, and a test file with another header', async () => {
    const base = { kind: 'csv', name: 'x', path: flowers(), targets: ['species'] } as const;
    expect((await refusal({ ...base, task: 'regression' })).field).toBe('column species');
    const testPath = file('test.csv', 'a,b\n1,2\n');
    expect((await refusal({ ...base, testPath })).message).toContain('test.csv');
  });
});
