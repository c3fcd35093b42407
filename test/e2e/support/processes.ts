import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export const projectFolder = join(import.meta.dirname, '..', '..', '..');
const launcher = join(projectFolder, 'client', 'cli', 'gradswarm.mjs');

export type JsonObject = Readonly<Record<string, unknown>>;

/** A `gradswarm` process: its JSON lines as they come, its stderr, and its end. */
export interface Running {
  readonly process: ChildProcess;
  readonly lines: readonly JsonObject[];
  stderr(): string;
  /** The first line, past or future, that `accept` takes. Rejects when the process ends without one. */
  line(accept: (line: JsonObject) => boolean): Promise<JsonObject>;
  readonly exited: Promise<number | null>;
}

/** A folder that is removed when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gradswarm-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function follow(child: ChildProcess): Running {
  const lines: JsonObject[] = [];
  const watchers = new Set<() => void>();
  let errors = '';
  let rest = '';
  let hasEnded = false;
  const notify = (): void => {
    for (const watcher of watchers) watcher();
  };
  child.stdout?.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) if (part.startsWith('{')) lines.push(JSON.parse(part) as JsonObject);
    notify();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const exited = new Promise<number | null>((resolve) => {
    child.on('close', (code) => {
      hasEnded = true;
      notify();
      resolve(code);
    });
  });
  const line = (accept: (line: JsonObject) => boolean): Promise<JsonObject> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = lines.find(accept);
        if (found === undefined && !hasEnded) return;
        watchers.delete(look);
        if (found === undefined)
          reject(new Error(`the process ended without the awaited line; it wrote:\n${errors}`));
        else resolve(found);
      };
      watchers.add(look);
      look();
    });
  return { process: child, lines, stderr: () => errors, line, exited };
}

/** Starts `gradswarm ARGUMENTS`; the process is killed when the test ends. */
export function startGradswarm(
  commandArguments: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Running {
  const child = spawn(process.execPath, [launcher, ...commandArguments], {
    cwd: projectFolder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return follow(child);
}

/** Runs `gradswarm ARGUMENTS` to its end. */
export async function runGradswarm(
  commandArguments: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<{ readonly code: number | null; readonly lines: readonly JsonObject[]; readonly stderr: string }> {
  const running = startGradswarm(commandArguments, environment);
  const code = await running.exited;
  return { code, lines: running.lines, stderr: running.stderr() };
}
