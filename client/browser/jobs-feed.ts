import { type ReadonlySignal, signal } from '@preact/signals';
import { limits } from '../../shared/base/limits.ts';
import type { PublicJob } from '../../shared/job/public-job.ts';
import { parsePublicJobs } from './public-jobs.ts';

export type FeedState = 'loading' | 'current' | 'unreachable';

export interface JobsFeed {
  readonly jobs: ReadonlySignal<readonly PublicJob[]>;
  readonly state: ReadonlySignal<FeedState>;
  /** Asks now and then every `limits.pageRefreshMs`, but not while nobody sees the page. */
  start(): void;
  stop(): void;
}

/** The one request that the page makes before Start: what is being trained. */
export function createJobsFeed(request: typeof fetch, isHidden: () => boolean): JobsFeed {
  const jobs = signal<readonly PublicJob[]>([]);
  const state = signal<FeedState>('loading');
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running = false;

  const refresh = async (): Promise<void> => {
    try {
      const response = await request('v1/jobs', {
        headers: { accept: 'application/json' },
        signal: AbortSignal.timeout(limits.pageRequestTimeoutMs),
      });
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      jobs.value = parsePublicJobs(await response.json());
      state.value = 'current';
    } catch {
      // What was last known stays on the page; the state says that it may be old.
      state.value = 'unreachable';
    }
  };

  const loop = async (): Promise<void> => {
    if (!isHidden() || state.value === 'loading') await refresh();
    if (running) timer = setTimeout(() => void loop(), limits.pageRefreshMs);
  };

  return {
    jobs,
    state,
    start() {
      if (running) return;
      running = true;
      void loop();
    },
    stop() {
      running = false;
      clearTimeout(timer);
    },
  };
}
