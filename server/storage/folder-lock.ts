import { randomBytes } from 'node:crypto';
import { linkSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GradswarmError } from '../../shared/base/errors.ts';
import { isAlive, ownIdentity, type ProcessIdentity } from './process-identity.ts';

/**
 * One owner of a folder at a time, without a file that has to be removed after a crash. Each taking creates the file
 * `lock.N` with the next number, which only one of several takers can; the owner is the process named in the file with
 * the highest number, while it lives. Numbers never go back, so a taker that looked long ago cannot win by its old view.
 */
export interface FolderLock {
  release(): void;
}

interface LockFile {
  readonly number: number;
  readonly path: string;
  /** Absent after a release, or when the file was torn by a crash of the machine. */
  readonly owner: ProcessIdentity | undefined;
}

const lockPattern = /^lock\.(\d+)$/;
const attemptsMax = 100;

/** @throws GradswarmError `dataFolderLocked` naming the process that uses the folder. */
export function lockFolder(folder: string): FolderLock {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const newest = readLocks(folder).at(-1);
    if (newest?.owner && isAlive(newest.owner)) throw locked(folder, newest);
    const lock = tryTake(folder, (newest?.number ?? 0) + 1);
    if (lock) return lock;
  }
  throw new GradswarmError(
    'dataFolderLocked',
    `Many processes are starting on ${folder} at once; try again.`,
  );
}

export const isLockName = (name: string): boolean => lockPattern.test(name) || name.startsWith('.lock-');

function tryTake(folder: string, number: number): FolderLock | undefined {
  const path = join(folder, `lock.${number}`);
  if (!createWhole(folder, path, JSON.stringify(ownIdentity()))) return undefined;
  const locks = readLocks(folder);
  if (locks.at(-1)?.number !== number) {
    rmSync(path, { force: true });
    return undefined;
  }
  for (const older of locks) if (older.number < number) rmSync(older.path, { force: true });
  const release = (): void => {
    const temporary = join(folder, `.lock-${randomBytes(8).toString('hex')}`);
    writeFileSync(temporary, 'released');
    renameSync(temporary, path);
  };
  return { release };
}

/** False when `path` exists. The file appears with its content, never empty. */
function createWhole(folder: string, path: string, content: string): boolean {
  const temporary = join(folder, `.lock-${randomBytes(8).toString('hex')}`);
  writeFileSync(temporary, content);
  try {
    linkSync(temporary, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** Lowest number first. */
function readLocks(folder: string): LockFile[] {
  const numbers = readdirSync(folder).flatMap((name) => Number(lockPattern.exec(name)?.[1] ?? []));
  return numbers
    .sort((left, right) => left - right)
    .map((number) => {
      const path = join(folder, `lock.${number}`);
      return { number, path, owner: readOwner(path) };
    });
}

function readOwner(path: string): ProcessIdentity | undefined {
  try {
    const content: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof content !== 'object' || content === null) return undefined;
    if (!('pid' in content) || typeof content.pid !== 'number') return undefined;
    if (!('startTime' in content) || typeof content.startTime !== 'string') return undefined;
    return { pid: content.pid, startTime: content.startTime };
  } catch {
    return undefined;
  }
}

function locked(folder: string, { owner }: LockFile): GradswarmError {
  return new GradswarmError(
    'dataFolderLocked',
    `${folder} is in use by process ${owner?.pid}. Stop that process, or choose another folder with --data.`,
    'data',
  );
}
