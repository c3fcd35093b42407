import { type ReadonlySignal, signal } from '@preact/signals';
import { limits } from '../../shared/base/limits.ts';
import type { PublicJob, PublicJobs } from '../../shared/job/public-job.ts';
import { reasonToRefuse } from '../../shared/protocol/coordinator-directory.ts';
import { parsePublicJobs } from './public-jobs.ts';

export type FeedState = 'loading' | 'current' | 'unreachable';

export interface JobsFeed {
  readonly jobs: ReadonlySignal<readonly PublicJob[]>;
  readonly state: ReadonlySignal<FeedState>;
  /** Base addresses of coordinators to work for, the best first; never empty. */
  coordinatorUrls(): readonly string[];
  /** Asks now and then every `limits.pageRefreshMs`, but not while nobody sees the page. */
  start(): void;
  stop(): void;
}

export interface JobsFeedOptions {
  readonly request: typeof fetch;
  readonly isHidden: () => boolean;
  /** Base address of the coordinator that served the page. */
  readonly homeUrl: string;
}

/**
 * The one request that the page makes before Start: what is being trained. Where coordinators form a cluster, it is the
 * leader that is asked, who alone knows who is at work; and any other, when the one asked before is gone.
 */
export function createJobsFeed({ request, isHidden, homeUrl }: JobsFeedOptions): JobsFeed {
  const jobs = signal<readonly PublicJob[]>([]);
  const state = signal<FeedState>('loading');
  let others: readonly string[] = [];
  let preferred = homeUrl;
  /** A leader that this page cannot reach, though its coordinator can: no reason to ask it again and again. */
  let unreachable = '';
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running = false;

  const ask = async (base: string): Promise<PublicJobs> => {
    const response = await request(new URL('v1/jobs', base), {
      headers: { accept: 'application/json' },
      signal: AbortSignal.timeout(limits.pageRequestTimeoutMs),
    });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return trusted(base, parsePublicJobs(await response.json()));
  };

  /** The leader's answer instead of a follower's, where it can be had. */
  const follow = async (answer: PublicJobs): Promise<PublicJobs> => {
    const { leaderUrl } = answer;
    if (answer.isLeader || leaderUrl === null || leaderUrl === unreachable) return answer;
    try {
      const better = await ask(leaderUrl);
      preferred = leaderUrl;
      return better;
    } catch {
      unreachable = leaderUrl;
      return answer;
    }
  };

  const candidates = (): readonly string[] => [...new Set([preferred, homeUrl, ...others])];

  const refresh = async (): Promise<void> => {
    for (const base of candidates()) {
      try {
        const first = await ask(base);
        preferred = base;
        const answer = await follow(first);
        if (answer.isLeader) unreachable = '';
        others = answer.coordinatorUrls;
        jobs.value = answer.jobs;
        state.value = 'current';
        return;
      } catch {
        // The next one may answer.
      }
    }
    // What was last known stays on the page; the state says that it may be old.
    state.value = 'unreachable';
  };

  const loop = async (): Promise<void> => {
    if (!isHidden() || state.value === 'loading') await refresh();
    if (running) timer = setTimeout(() => void loop(), limits.pageRefreshMs);
  };

  return {
    jobs,
    state,
    coordinatorUrls: candidates,
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

/** The worker signs in at every address with its token: what no redirect may lead to, no answer may name. */
function trusted(base: string, answer: PublicJobs): PublicJobs {
  const isTrusted = (url: string): boolean => reasonToRefuse(base, url) === undefined;
  const { leaderUrl, coordinatorUrls } = answer;
  return {
    ...answer,
    leaderUrl: leaderUrl !== null && isTrusted(leaderUrl) ? leaderUrl : null,
    coordinatorUrls: coordinatorUrls.filter(isTrusted),
  };
}
