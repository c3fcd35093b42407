import { GradswarmError } from '../../shared/base/errors.ts';
import { limits } from '../../shared/base/limits.ts';
import type { RpcClient } from '../../shared/protocol/rpc-client.ts';
import { adminService, type JobStatus } from '../../shared/protocol/services.ts';
import type { Timers } from '../../shared/protocol/timers.ts';
import { systemTimers } from '../../shared/system/system-timers.ts';
import { reconnectDelayMs } from '../web/reconnect-delay.ts';
import type { AdminFollower } from './admin-follower.ts';

const finalStates: ReadonlySet<string> = new Set(['finished', 'cancelled', 'failed']);

/** Somebody waits: the pauses stop growing at four seconds. */
const delayDoublingsMax = 4;

/**
 * Follows a job to its end, under one leader after the other, and returns its last status.
 * @throws GradswarmError when no coordinator has told of the job for `limits.leaderWatchMs` since the connection was lost, or
 * none ever did.
 */
export async function watchToEnd(
  follower: AdminFollower,
  jobId: string,
  onStatus: (status: JobStatus) => void,
  timers: Timers = systemTimers,
): Promise<JobStatus> {
  let wasTold = false;
  let lostAtMs: number | undefined;
  let attempt = 0;
  const watch = async (client: RpcClient): Promise<JobStatus> => {
    for await (const { message } of client.stream(adminService.method.watchJob, { jobId })) {
      wasTold = true;
      lostAtMs = undefined;
      attempt = 0;
      onStatus(message);
      if (finalStates.has(message.state)) return message;
    }
    throw new GradswarmError(
      'connectionLost',
      'the coordinator ended the connection before the job was done',
    );
  };
  for (;;) {
    try {
      return await follower.run(watch);
    } catch (error) {
      lostAtMs ??= timers.nowMs();
      // A job that has nothing to tell for long is followed all the while.
      const isLate = !wasTold || timers.nowMs() - lostAtMs > limits.leaderWatchMs;
      if (isLate || !isPassing(error)) throw error;
    }
    const delayMs = reconnectDelayMs(Math.min(attempt++, delayDoublingsMax), Math.random());
    await new Promise<void>((resolve) => timers.after(delayMs, resolve));
  }
}

/** What another coordinator, or the same one a little later, may mend. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof GradswarmError)) return false;
  return error.code === 'connectionLost' || error.code === 'unavailable' || error.code === 'notLeader';
}
