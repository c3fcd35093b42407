import { setImmediate } from 'node:timers/promises';
import { GradswarmError } from '../../../shared/base/errors.ts';
import type { BlobHash } from '../../../shared/base/ids.ts';

export interface ShardSink {
  putShard(bytes: Uint8Array): Promise<BlobHash>;
}

/** `fraction` of the whole import, in [0, 1], never less than before. */
export type OnProgress = (fraction: number, message: string) => void;

/** What every importer works with. */
export interface ImportContext {
  readonly sink: ShardSink;
  /** Reports, lets other work of the process go on, and ends a cancelled import. @throws GradswarmError `cancelled`. */
  step(fraction: number, message: string): Promise<void>;
}

export function createImportContext(
  sink: ShardSink,
  onProgress: OnProgress,
  signal: AbortSignal | undefined,
): ImportContext {
  let reached = 0;
  return {
    sink,
    step: async (fraction, message) => {
      if (signal?.aborted) throw new GradswarmError('cancelled', 'The import was cancelled.');
      reached = Math.max(reached, Math.min(fraction, 1));
      onProgress(reached, message);
      await setImmediate();
    },
  };
}

/** The part `[from, to]` of a context's progress. */
export function progressPart(context: ImportContext, from: number, to: number): ImportContext {
  return {
    sink: context.sink,
    step: (fraction, message) => context.step(from + fraction * (to - from), message),
  };
}
