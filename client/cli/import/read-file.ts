import { readFile, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';

const unpack = promisify(gunzip);

/** @throws GradswarmError `notFound`, `badRequest` (a folder, not readable), `tooLarge`. */
export async function checkFile(path: string, bytesMax: number): Promise<number> {
  try {
    const found = await stat(path);
    if (found.isDirectory())
      throw new GradswarmError('badRequest', `${path} is a folder; name a file.`, path);
    if (found.size <= bytesMax) return found.size;
  } catch (error) {
    throw describeFileError(error, path);
  }
  throw new GradswarmError(
    'tooLarge',
    `${path} is larger than ${bytesMax} bytes; cut it into parts, or import a sample of it.`,
    path,
  );
}

/** The whole file; a gzipped one is unpacked. @throws GradswarmError as `checkFile`, `dataInvalid` for broken gzip. */
export async function readWholeFile(path: string, bytesMax = limits.importBytesMax): Promise<Uint8Array> {
  await checkFile(path, bytesMax);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw describeFileError(error, path);
  }
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return await unpack(bytes, { maxOutputLength: bytesMax });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new GradswarmError(
      'dataInvalid',
      `${path} (${bytes.length} bytes) cannot be unpacked: ${reason}. Download it again.`,
      path,
    );
  }
}

export function describeFileError(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || !('code' in error) || error instanceof GradswarmError) return error;
  if (error.code === 'ENOENT') {
    return new GradswarmError('notFound', `${path} does not exist; check the path.`, path);
  }
  if (error.code === 'EACCES') {
    return new GradswarmError('badRequest', `${path} may not be read by this user.`, path);
  }
  return error;
}
