import { setTimeout as pause } from 'node:timers/promises';
import type { TlsTrust } from '../../../client/node/tls-trust.ts';
import { openWebSocketLink, webSocketUrl } from '../../../client/node/websocket-link.ts';
import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import { createRpcClient, type RpcClient } from '../../../shared/protocol/rpc-client.ts';
import { workerService } from '../../../shared/protocol/services.ts';
import { protocolVersion } from '../../../shared/protocol/version.ts';
import { systemTimers } from '../../../shared/system/system-timers.ts';
import type { Grid } from '../grid.ts';

/** A coordinator limits what one address may do, so a crowd comes from many, as volunteers do. */
const addresses = 100;
const retryMs = 500;
const transient: ReadonlySet<string> = new Set(['unavailable', 'connectionLost']);

export interface CrowdWorker {
  readonly client: RpcClient;
  /** As the coordinator wants it of this worker. */
  readonly heartbeatIntervalMs: number;
}

/** Connects, again and again as volunteers do, and registers as a worker, from one of many addresses of this machine. */
export async function joinAsWorker(grid: Grid, index: number): Promise<CrowdWorker> {
  for (;;) {
    try {
      return await join(grid, index);
    } catch (error) {
      if (!(error instanceof GradswarmError) || !transient.has(error.code)) throw error;
      await pause(retryMs);
    }
  }
}

async function join({ url, admin }: Grid, index: number): Promise<CrowdWorker> {
  const from = { localAddress: `127.0.1.${1 + (index % addresses)}` };
  // What is passed on to the socket is more than trust.
  const link = await openWebSocketLink(webSocketUrl(url, 'worker-socket'), undefined, from as TlsTrust);
  const client = createRpcClient(link, { timers: systemTimers });
  const { message } = await client.unary(workerService.method.register, {
    protocolVersion,
    token: admin.token ?? '',
    name: `crowd-${index}`,
    home: 'node',
    determinismClass: { engine: 'cpu', build: 'crowd' },
    device: 'scripted',
    previousWorkerId: '',
  });
  return { client, heartbeatIntervalMs: message.heartbeatIntervalMs };
}

/** Tells the coordinator that all of them are there, in turn, well within the time after which it gives a worker up. */
export function keepAlive(workers: readonly CrowdWorker[]): { stop(): void } {
  const turns = 50;
  let turn = 0;
  const timer = setInterval(
    () => {
      for (let index = turn; index < workers.length; index += turns) {
        workers[index]?.client.unary(workerService.method.heartbeat, { samplesPerSecond: 0 }).catch(() => {});
      }
      turn = (turn + 1) % turns;
    },
    limits.workerTimeoutMs / 2 / turns,
  );
  return { stop: () => clearInterval(timer) };
}
