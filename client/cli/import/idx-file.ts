import { GradswarmError } from '../../../shared/base/errors.ts';
import { readWholeFile } from './read-file.ts';

/** Element types of the IDX format (LeCun): code, bytes, name. Numbers are big-endian. */
const elementTypes = {
  8: { bytes: 1, name: 'uint8', read: (view: DataView, offset: number) => view.getUint8(offset) },
  9: { bytes: 1, name: 'int8', read: (view: DataView, offset: number) => view.getInt8(offset) },
  11: { bytes: 2, name: 'int16', read: (view: DataView, offset: number) => view.getInt16(offset) },
  12: { bytes: 4, name: 'int32', read: (view: DataView, offset: number) => view.getInt32(offset) },
  13: { bytes: 4, name: 'float32', read: (view: DataView, offset: number) => view.getFloat32(offset) },
  14: { bytes: 8, name: 'float64', read: (view: DataView, offset: number) => view.getFloat64(offset) },
} as const;

export interface IdxFile {
  readonly path: string;
  /** First the number of items. */
  readonly dimensions: readonly number[];
  readonly elementName: (typeof elementTypes)[keyof typeof elementTypes]['name'];
  /** Elements as stored. */
  readonly bytes: Uint8Array;
  /** Element by number, decoded. */
  at(element: number): number;
}

const dimensionsMax = 8;

/** @throws GradswarmError `dataInvalid` naming the file, with the byte counts when it is cut short. */
export async function readIdxFile(path: string): Promise<IdxFile> {
  const file = await readWholeFile(path);
  const fail = (reason: string) => new GradswarmError('dataInvalid', `${path}: ${reason}`, path);
  if (file.length < 4) throw fail(`an IDX file has a header, and this one has ${file.length} bytes.`);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const type = elementTypes[view.getUint8(2) as keyof typeof elementTypes];
  const rank = view.getUint8(3);
  if (view.getUint16(0) !== 0 || !type || rank === 0 || rank > dimensionsMax) {
    throw fail(
      `this is not an IDX file (it begins with 0x${view.getUint32(0).toString(16).padStart(8, '0')}).`,
    );
  }
  const start = 4 + rank * 4;
  if (file.length < start) {
    throw fail(`the file is cut short: the header takes ${start} bytes, and there are ${file.length}.`);
  }
  const dimensions = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + axis * 4));
  const expected = start + dimensions.reduce((product, dimension) => product * dimension, type.bytes);
  if (file.length !== expected) {
    const shape = dimensions.join(' × ');
    const how = file.length < expected ? 'is cut short' : 'is too long';
    throw fail(
      `the file ${how}: ${shape} elements take ${expected} bytes, and there are ${file.length}. Download it again.`,
    );
  }
  const at = (element: number): number => type.read(view, start + element * type.bytes);
  return { path, dimensions, elementName: type.name, bytes: file.subarray(start), at };
}
