import { setTimeout as delay } from 'node:timers/promises';
import { GradswarmError } from '../../shared/base/errors.ts';
import { limits } from '../../shared/base/limits.ts';
import { reconnectDelayMs } from '../web/reconnect-delay.ts';
import { type MemberEnd, type MemberEvent, type MemberProcess, startMember } from './member-process.ts';

export interface MemberPlan {
  readonly id: string;
  readonly flags: readonly string[];
  /** For the first start alone. */
  readonly firstFlags: readonly string[];
}

export interface MemberNews {
  onStarted(id: string, event: MemberEvent, pid: number | undefined): void;
  onAdminToken(id: string, token: string): void;
  onLine(id: string, line: string): void;
  onEnd(id: string, end: MemberEnd, restarts: boolean): void;
}

export interface ClusterMembers {
  /** Resolves when every member has started. @throws GradswarmError of one that cannot. */
  readonly started: Promise<void>;
  /** Resolves when all have ended for good though nobody asked for it. */
  readonly lost: Promise<void>;
  stop(): Promise<void>;
}

interface Supervised {
  readonly started: Promise<void>;
  readonly over: Promise<void>;
  stop(): Promise<void>;
}

export function startMembers(
  plans: readonly MemberPlan[],
  isRestarting: boolean,
  news: MemberNews,
): ClusterMembers {
  const members = plans.map((plan) => supervise(plan, isRestarting, news));
  return {
    started: Promise.all(members.map(({ started }) => started)).then(() => {}),
    lost: Promise.all(members.map(({ over }) => over)).then(() => {}),
    async stop() {
      await Promise.all(members.map((member) => member.stop()));
    },
  };
}

/** One member: started again when it ends by itself, with growing pauses, until it ends at once several times in a row. */
function supervise(plan: MemberPlan, isRestarting: boolean, news: MemberNews): Supervised {
  const { id } = plan;
  const stopping = new AbortController();
  const { signal } = stopping;
  let current: MemberProcess | undefined;
  let resolveStarted = (): void => {};
  let rejectStarted = (_error: unknown): void => {};
  const started = new Promise<void>((resolve, reject) => {
    resolveStarted = resolve;
    rejectStarted = reject;
  });
  started.catch(() => {});

  const live = async (flags: readonly string[]): Promise<MemberEnd> => {
    const member = startMember(flags, {
      onEvent(event) {
        if (event.event === 'started') {
          news.onStarted(id, event, member.pid);
          resolveStarted();
        }
        if (event.adminToken !== undefined) news.onAdminToken(id, event.adminToken);
      },
      onLine: (line) => news.onLine(id, line),
    });
    current = member;
    return member.ended;
  };

  const run = async (): Promise<void> => {
    let shortLives = 0;
    for (let flags = [...plan.firstFlags, ...plan.flags]; ; flags = [...plan.flags]) {
      const startedAtMs = performance.now();
      const end = await live(flags);
      if (signal.aborted) return;
      shortLives = performance.now() - startedAtMs < limits.memberShortLifeMs ? shortLives + 1 : 0;
      // What was refused for a reason is refused again.
      const restarts = isRestarting && end.failure === undefined && shortLives < limits.memberRestartsMax;
      news.onEnd(id, end, restarts);
      if (!restarts) {
        rejectStarted(
          end.failure ?? new GradswarmError('unavailable', `the coordinator ${id} ended; see above why`),
        );
        return;
      }
      await delay(reconnectDelayMs(shortLives, Math.random()), undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
    }
  };
  const over = run();

  return {
    started,
    over,
    async stop() {
      stopping.abort();
      await current?.stop();
      await over;
    },
  };
}
