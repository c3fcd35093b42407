import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { GradswarmError, isErrorCode } from '../../shared/base/errors.ts';
import { limits } from '../../shared/base/limits.ts';
import { readLines } from './line-reader.ts';

const launcher = join(import.meta.dirname, 'gradswarm.mjs');

/** What a coordinator tells of itself, one JSON object a line. */
export interface MemberEvent {
  readonly event: string;
  readonly url?: string;
  readonly adminUrl?: string;
  readonly adminToken?: string;
}

export interface MemberEnd {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it complained of last, when that was an expected failure. */
  readonly failure: GradswarmError | undefined;
}

export interface MemberProcess {
  readonly pid: number | undefined;
  readonly ended: Promise<MemberEnd>;
  /** Asks it to end; kills it when it has not ended in time. */
  stop(): Promise<void>;
}

export interface MemberListeners {
  onEvent(event: MemberEvent): void;
  /** A line of its log. */
  onLine(line: string): void;
}

/** A `gradswarm coordinator` as a process of its own. */
export function startMember(flags: readonly string[], { onEvent, onLine }: MemberListeners): MemberProcess {
  // In a group of its own: Ctrl-C reaches this process alone, which then asks every member once.
  const child = spawn(process.execPath, [launcher, 'coordinator', '--json', ...flags], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: true,
  });
  let failure: GradswarmError | undefined;
  const outputs = [
    readLines(child.stdout, (line) => {
      const event = parseObject(line);
      if (event === undefined) onLine(line);
      else onEvent(event as unknown as MemberEvent);
    }),
    readLines(child.stderr, (line) => {
      failure = failureIn(line) ?? failure;
      onLine(line);
    }),
  ];
  const exited = new Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>(
    (resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
      child.once('error', (error) => {
        failure = new GradswarmError('internal', error.message);
        resolve({ code: 1, signal: null });
      });
    },
  );
  // Not by the event "close": it does not come once this side has disconnected.
  const ended = exited.then(async (end): Promise<MemberEnd> => {
    await Promise.all(outputs);
    return { ...end, failure };
  });
  return { pid: child.pid, ended, stop: () => stop(child, ended) };
}

async function stop(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  child.kill('SIGTERM');
  // Else the channel would keep it alive when everything else is closed.
  if (child.connected) child.disconnect();
  const timer = setTimeout(() => child.kill('SIGKILL'), limits.shutdownTimeoutMs / 2);
  await ended;
  clearTimeout(timer);
}

function parseObject(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** `{"error": {"code", "field", "message"}}`, by which every command says why it failed. */
function failureIn(line: string): GradswarmError | undefined {
  const error = parseObject(line)?.['error'];
  if (typeof error !== 'object' || error === null) return undefined;
  const { code, field, message } = error as Readonly<Record<string, unknown>>;
  if (typeof code !== 'string' || !isErrorCode(code)) return undefined;
  return new GradswarmError(code, String(message), typeof field === 'string' ? field : undefined);
}
