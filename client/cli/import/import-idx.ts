import { basename } from 'node:path';
import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { Column, RecordDataset } from '../../../shared/data/dataset-manifest.ts';
import { type IdxFile, readIdxFile } from './idx-file.ts';
import { type ImportContext, progressPart } from './import-context.ts';
import type { IdxImport } from './import-options.ts';
import { splitRecords } from './split-records.ts';
import { bytesOf, type RecordTable, writeRecordShards } from './write-shards.ts';

interface Part {
  readonly images: IdxFile;
  readonly labels: IdxFile;
  readonly count: number;
}

/** Images of uint8 are used as value / 255; elements of other types as they are, in float32. */
export async function importIdx(options: IdxImport, context: ImportContext): Promise<RecordDataset> {
  if ((options.testImages === undefined) !== (options.testLabels === undefined)) {
    throw new GradswarmError('badRequest', 'Test images and test labels are given together.', 'testLabels');
  }
  await context.step(0, `Reading ${basename(options.images)}`);
  const parts = [await readPart(options.images, options.labels)];
  if (options.testImages !== undefined && options.testLabels !== undefined) {
    await context.step(0.1, `Reading ${basename(options.testImages)}`);
    parts.push(await readPart(options.testImages, options.testLabels));
  }
  const shape = commonShape(parts);
  const classes = countClasses(parts);
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  const testStart = parts.length > 1 ? { testStart: parts[0]?.count ?? 0 } : {};
  const { train, test } = splitRecords(count, { ...options, ...testStart });
  const isBytes = parts.every(({ images }) => images.elementName === 'uint8');
  const input: Column = {
    type: isBytes ? 'uint8' : 'float32',
    shape,
    scale: isBytes ? 1 / 255 : 1,
    offset: 0,
  };
  const target: Column = { type: classes <= 256 ? 'uint8' : 'uint16', shape: [], scale: 1, offset: 0 };
  const table = buildTable(parts, count, input, target);
  return {
    kind: 'records',
    name: options.name,
    title: options.title ?? options.name,
    source: options.source ?? basename(options.images),
    task: 'classification',
    input,
    target,
    outputSize: classes,
    classNames: classNames(options, classes),
    train: await writeRecordShards(table, train, 'training records', progressPart(context, 0.2, 0.9)),
    test: await writeRecordShards(table, test, 'test records', progressPart(context, 0.9, 1)),
  };
}

async function readPart(imagesPath: string, labelsPath: string): Promise<Part> {
  const images = await readIdxFile(imagesPath);
  const labels = await readIdxFile(labelsPath);
  const [count = 0] = images.dimensions;
  if (count === 0) throw new GradswarmError('dataInvalid', `${imagesPath} holds no images.`, imagesPath);
  if (labels.dimensions.length === 1 && labels.dimensions[0] === count) return { images, labels, count };
  throw new GradswarmError(
    'dataInvalid',
    `${labelsPath} has ${labels.dimensions.join(' × ')} labels for the ${count} images of ${imagesPath}; ` +
      'there is one label for each image.',
    labelsPath,
  );
}

/** Height and width get a channel axis, as image models expect it. */
function commonShape(parts: readonly Part[]): number[] {
  const [shape = [], ...others] = parts.map(({ images }) => images.dimensions.slice(1));
  const different = others.findIndex((other) => other.join() !== shape.join());
  if (different !== -1) {
    throw new GradswarmError(
      'dataInvalid',
      `Test images are ${others[different]?.join(' × ')}, training images ${shape.join(' × ')}; the sizes must agree.`,
      'testImages',
    );
  }
  if (shape.includes(0)) throw new GradswarmError('dataInvalid', 'The images have no pixels.', 'images');
  return shape.length === 2 ? [...shape, 1] : [...shape];
}

function countClasses(parts: readonly Part[]): number {
  let largest = 0;
  for (const { labels, count } of parts) {
    for (let record = 0; record < count; record++) {
      const label = labels.at(record);
      if (!Number.isInteger(label) || label < 0 || label >= limits.classesMax) {
        throw new GradswarmError(
          'dataInvalid',
          `${labels.path}: label ${record} is ${label}; labels are whole numbers from 0 to ${limits.classesMax - 1}.`,
          labels.path,
        );
      }
      largest = Math.max(largest, label);
    }
  }
  return largest + 1;
}

function classNames(options: IdxImport, classes: number): readonly string[] {
  const names = options.classNames ?? Array.from({ length: classes }, (_, label) => String(label));
  if (names.length === classes) return names;
  throw new GradswarmError(
    'badRequest',
    `${names.length} class names are given for ${classes} classes.`,
    'classNames',
  );
}

function buildTable(parts: readonly Part[], count: number, input: Column, target: Column): RecordTable {
  const width = input.shape.reduce((product, dimension) => product * dimension, 1);
  const inputBytes = width * (input.type === 'uint8' ? 1 : 4);
  if (count * inputBytes > limits.importBytesMax) {
    throw new GradswarmError(
      'tooLarge',
      `The images take more than ${limits.importBytesMax} bytes.`,
      'images',
    );
  }
  const inputs = input.type === 'uint8' ? new Uint8Array(count * width) : new Float32Array(count * width);
  const targets = target.type === 'uint8' ? new Uint8Array(count) : new Uint16Array(count);
  let start = 0;
  for (const part of parts) {
    if (inputs instanceof Uint8Array) inputs.set(part.images.bytes, start * width);
    else fillFloats(inputs, start * width, part.images, part.count * width);
    for (let record = 0; record < part.count; record++) targets[start + record] = part.labels.at(record);
    start += part.count;
  }
  const targetBytes = targets.BYTES_PER_ELEMENT;
  return { inputBytes, targetBytes, inputs: bytesOf(inputs), targets: bytesOf(targets) };
}

function fillFloats(target: Float32Array, start: number, images: IdxFile, length: number): void {
  for (let element = 0; element < length; element++) {
    const value = images.at(element);
    if (!Number.isFinite(value)) {
      throw new GradswarmError(
        'dataInvalid',
        `${images.path}: element ${element} is not a number.`,
        images.path,
      );
    }
    target[start + element] = value;
  }
}
