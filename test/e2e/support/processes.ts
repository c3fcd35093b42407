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
  /** SIGKILL, unless it has ended; resolves when it is gone. */
  kill(): Promise<void>;
}

/** What a process left behind. */
export interface Ended {
  readonly code: number | null;
  readonly lines: readonly JsonObject[];
  readonly stderr: string;
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
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  return { process: child, lines, stderr: () => errors, line, exited, kill };
}

function spawnNode(
  script: string,
  scriptArguments: readonly string[],
  environment: NodeJS.ProcessEnv,
): Running {
  const child = spawn(process.execPath, [script, ...scriptArguments], {
    cwd: projectFolder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  return follow(child);
}

/** Starts `gradswarm ARGUMENTS`; whoever calls this kills the process. */
export function spawnGradswarm(
  commandArguments: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Running {
  return spawnNode(launcher, commandArguments, environment);
}

/** Starts `gradswarm ARGUMENTS`; the process is killed when the test ends. */
export function startGradswarm(
  commandArguments: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Running {
  const running = spawnGradswarm(commandArguments, environment);
  onTestFinished(() => running.kill());
  return running;
}

/** Starts what `npm start -- ARGUMENTS` runs; the process is killed when the test ends. */
export function startProject(commandArguments: readonly string[]): Running {
  const running = spawnNode(join(projectFolder, 'client', 'cli', 'start.mjs'), commandArguments, {});
  onTestFinished(() => running.kill());
  return running;
}

/** Runs `gradswarm ARGUMENTS` to its end. */
export async function runGradswarm(
  commandArguments: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<Ended> {
  const running = spawnGradswarm(commandArguments, environment);
  const code = await running.exited;
  return { code, lines: running.lines, stderr: running.stderr() };
}
