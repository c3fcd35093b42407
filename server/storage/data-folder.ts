import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GradswarmError } from '../../shared/base/errors.ts';
import { makeDurableFolder, writeDurableFile } from './durable-files.ts';
import { lockFolder } from './folder-lock.ts';

/** A coordinator's folder, held against other processes until it is closed or this process ends. */
export interface DataFolder {
  readonly path: string;
  /** 32 hexadecimal digits, chosen when the folder was made; every log segment carries it. */
  readonly clusterId: string;
  readonly logFolder: string;
  readonly blobFolder: string;
  readonly exportFolder: string;
  close(): void;
}

export const dataFolderFormat = 1;
const formatName = 'format.json';

/** @throws GradswarmError `dataFolderLocked` or `dataFolderVersion`, with the remedy. */
export function openDataFolder(path: string): DataFolder {
  makeDurableFolder(path);
  const lock = lockFolder(path);
  try {
    const paths = {
      logFolder: join(path, 'log'),
      blobFolder: join(path, 'blobs'),
      exportFolder: join(path, 'exports'),
    };
    return { path, ...paths, clusterId: readOrCreateFormat(path, paths.logFolder), close: lock.release };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function readOrCreateFormat(path: string, logFolder: string): string {
  const formatPath = join(path, formatName);
  if (existsSync(formatPath)) return readFormat(path, readFileSync(formatPath, 'utf8'));
  if (existsSync(logFolder) && readdirSync(logFolder).length > 0) {
    throw versionError(path, `holds a log, but ${formatName} is missing`);
  }
  const clusterId = randomBytes(16).toString('hex');
  const content = `${JSON.stringify({ format: dataFolderFormat, clusterId })}\n`;
  writeDurableFile(formatPath, `${formatPath}.new`, new TextEncoder().encode(content));
  return clusterId;
}

function readFormat(path: string, content: string): string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(content);
  } catch {
    throw versionError(path, `has a ${formatName} that is not JSON`);
  }
  if (typeof parsed !== 'object' || parsed === null || !('format' in parsed) || !('clusterId' in parsed)) {
    throw versionError(path, `has a ${formatName} without format and clusterId`);
  }
  if (parsed.format !== dataFolderFormat) {
    throw versionError(
      path,
      `has format ${String(parsed.format)}, and this program reads format ${dataFolderFormat}`,
    );
  }
  if (typeof parsed.clusterId !== 'string' || !/^[0-9a-f]{32}$/.test(parsed.clusterId)) {
    throw versionError(path, `has a ${formatName} whose clusterId is not 32 hexadecimal digits`);
  }
  return parsed.clusterId;
}

function versionError(path: string, what: string): GradswarmError {
  return new GradswarmError(
    'dataFolderVersion',
    `${path} ${what}. Use the version of gradswarm that wrote it, or choose another folder with --data.`,
    'data',
  );
}
