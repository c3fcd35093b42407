import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { RecordDataset } from '../../../shared/data/dataset-manifest.ts';
import { decodeImage } from './decode-image.ts';
import { type ImportContext, progressPart } from './import-context.ts';
import type { ImageFolderImport } from './import-options.ts';
import { describeFileError, readWholeFile } from './read-file.ts';
import { resizeImage } from './resize-image.ts';
import { splitRecords } from './split-records.ts';
import { bytesOf, type RecordTable, writeRecordShards } from './write-shards.ts';

interface ImageFile {
  readonly path: string;
  readonly label: number;
}

/** Class names are those of the sub-folders, by code unit. */
export async function importImageFolder(
  options: ImageFolderImport,
  context: ImportContext,
): Promise<RecordDataset> {
  checkSize(options);
  await context.step(0, `Looking into ${basename(options.folder)}`);
  const classNames = await listClasses(options.folder);
  const trainFiles = await listImages(options.folder, classNames);
  const testFiles =
    options.testFolder === undefined ? [] : await listTestImages(options.testFolder, classNames);
  const files = [...trainFiles, ...testFiles];
  const testStart = options.testFolder === undefined ? {} : { testStart: trainFiles.length };
  const { train, test } = splitRecords(files.length, { ...options, ...testStart });
  const table = await readImages(files, options, progressPart(context, 0, 0.85));
  return {
    kind: 'records',
    name: options.name,
    title: options.title ?? options.name,
    source: options.source ?? basename(options.folder),
    task: 'classification',
    input: {
      type: 'uint8',
      shape: [options.height, options.width, options.channels],
      scale: 1 / 255,
      offset: 0,
    },
    target: { type: 'uint16', shape: [], scale: 1, offset: 0 },
    outputSize: classNames.length,
    classNames,
    train: await writeRecordShards(table, train, 'training images', progressPart(context, 0.85, 0.97)),
    test: await writeRecordShards(table, test, 'test images', progressPart(context, 0.97, 1)),
  };
}

function checkSize({ height, width }: ImageFolderImport): void {
  for (const [field, side] of Object.entries({ height, width })) {
    if (Number.isInteger(side) && side >= 1 && side <= limits.imageSideMax) continue;
    throw new GradswarmError('badRequest', `The ${field} is from 1 to ${limits.imageSideMax} pixels.`, field);
  }
}

async function listClasses(folder: string): Promise<string[]> {
  const names = await listNames(folder, 'folder');
  if (names.length >= 2 && names.length <= limits.classesMax) return names;
  throw new GradswarmError(
    'dataInvalid',
    `${folder} has ${names.length} sub-folders; make one for each class, at least two.`,
    folder,
  );
}

async function listTestImages(folder: string, classNames: readonly string[]): Promise<ImageFile[]> {
  const found = await listNames(folder, 'folder');
  const unknown = found.find((name) => !classNames.includes(name));
  if (unknown !== undefined) {
    throw new GradswarmError(
      'dataInvalid',
      `${join(folder, unknown)} is a class that the training folder does not have.`,
      folder,
    );
  }
  return listImages(folder, found, classNames);
}

async function listImages(
  folder: string,
  names: readonly string[],
  classNames: readonly string[] = names,
): Promise<ImageFile[]> {
  const files: ImageFile[] = [];
  for (const name of names) {
    const images = await listNames(join(folder, name), 'image');
    if (images.length === 0) {
      throw new GradswarmError('dataInvalid', `${join(folder, name)} holds no PNG or JPEG file.`, folder);
    }
    const label = classNames.indexOf(name);
    for (const image of images) files.push({ path: join(folder, name, image), label });
  }
  return files;
}

/** Sorted, so that the order does not depend on the file system. Other files and hidden ones are left alone. */
async function listNames(folder: string, wanted: 'folder' | 'image'): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const matching = entries.filter((entry) =>
      wanted === 'folder' ? entry.isDirectory() : !entry.isDirectory() && /\.(png|jpe?g)$/i.test(entry.name),
    );
    return matching
      .map(({ name }) => name)
      .filter((name) => !name.startsWith('.'))
      .sort();
  } catch (error) {
    throw describeFileError(error, folder);
  }
}

async function readImages(
  files: readonly ImageFile[],
  { height, width, channels }: ImageFolderImport,
  context: ImportContext,
): Promise<RecordTable> {
  const inputBytes = height * width * channels;
  if (files.length * inputBytes > limits.importBytesMax) {
    throw new GradswarmError(
      'tooLarge',
      `${files.length} images of ${height} × ${width} × ${channels} do not fit into memory; choose a smaller size.`,
    );
  }
  const inputs = new Uint8Array(files.length * inputBytes);
  const targets = new Uint16Array(files.length);
  for (const [place, { path, label }] of files.entries()) {
    await context.step(place / files.length, `Reading image ${place + 1} of ${files.length}`);
    const image = decodeImage(await readWholeFile(path, limits.imageFileBytesMax), path);
    inputs.set(resizeImage(image, height, width, channels), place * inputBytes);
    targets[place] = label;
  }
  return { inputBytes, targetBytes: 2, inputs, targets: bytesOf(targets) };
}
