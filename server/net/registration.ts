import { assert } from '../../shared/base/assert.ts';
import { GradswarmError } from '../../shared/base/errors.ts';
import { asWorkerId, type WorkerId } from '../../shared/base/ids.ts';
import { limits } from '../../shared/base/limits.ts';
import type { UnaryHandler } from '../../shared/protocol/rpc-handlers.ts';
import type { DeterminismClass, RegisterRequest, workerService } from '../../shared/protocol/services.ts';
import { checkProtocolVersion } from '../../shared/protocol/version.ts';
import { readChoice, readText } from './fields.ts';
import { heartbeatIntervalMs } from './heartbeat-interval.ts';
import { hashToken, verifyToken } from './tokens.ts';
import type { Ask, WorkerHandlerDeps } from './worker-calls.ts';
import type { WorkerConnection } from './worker-connection.ts';

type Method = (typeof workerService)['method']['register'];
type Register = UnaryHandler<Method['input'], Method['output'], WorkerConnection>['answer'];

/** Others are those of newer workers. */
const ringChannelKinds = ['relay', 'webrtc'] as const;
const workerIdPattern = /^[0-9a-f]{32}$/;

/** Takes a worker in: who it is, what it may do, and under which id. */
export function createRegistration(deps: WorkerHandlerDeps, ask: Ask): Register {
  let registered = 0;
  return async (request, { connection, signal }) => {
    checkProtocolVersion(request.protocolVersion);
    if (connection.worker || connection.isRegistering) {
      throw new GradswarmError('conflict', 'this connection has registered already');
    }
    const worker = readWorker(request, deps);
    connection.isRegistering = true;
    try {
      const answer = await ask({ kind: 'workerRegistered', ...worker.event }, signal);
      assert(answer.kind === 'answerRegistered', 'a registration is answered by an id');
      const { workerId, epoch } = answer;
      if (worker.tokenId !== undefined) stillHolds(request.token, workerId, deps);
      const { determinismClass } = worker.event;
      const role = answer.role ?? worker.event.role;
      deps.registered(connection, { workerId, role, determinismClass, tokenId: worker.tokenId });
      const coordinators = [...deps.cluster().coordinatorUrls];
      const { clusterId } = deps;
      return {
        message: {
          workerId,
          epoch,
          heartbeatIntervalMs: heartbeatIntervalMs(registered++),
          clusterId,
          coordinators,
          iceServers: iceServersFor(worker.event.ringChannels, deps),
        },
      };
    } finally {
      connection.isRegistering = false;
    }
  };
}

/** A server's password is for those who use it. */
export function iceServersFor(
  ringChannels: readonly string[],
  { iceServers = [] }: Pick<WorkerHandlerDeps, 'iceServers'>,
) {
  const told = ringChannels.includes('webrtc') ? iceServers : [];
  return told.map((server) => ({ ...server, urls: [...server.urls] }));
}

/** The token may have been revoked since, and the connection was not yet known as its bearer's. */
function stillHolds(token: string, workerId: WorkerId, { tokens, post }: WorkerHandlerDeps): void {
  try {
    verifyToken(token, tokens());
  } catch (error) {
    post({ kind: 'workerLeft', workerId });
    throw error;
  }
}

function readWorker(request: RegisterRequest, { cluster, tokens, createId }: WorkerHandlerDeps) {
  // A follower's view of tokens may be old.
  const asksLeader = !cluster().isLeader;
  const token = request.token === '' || asksLeader ? undefined : verifyToken(request.token, tokens());
  const previous = request.previousWorkerId;
  const home: 'browser' | 'node' = readChoice(request.home, ['browser', 'node'], 'home');
  const event = {
    workerId: asWorkerId(workerIdPattern.test(previous) ? previous : createId()),
    name: readText(request.name, 'name'),
    home,
    role: token?.role ?? ('anonymous' as const),
    ...(asksLeader && request.token !== '' ? { tokenHash: hashToken(request.token) } : {}),
    determinismClass: readDeterminismClass(request.determinismClass) ?? { engine: '', build: '' },
    device: readText(request.device, 'device', limits.textCharactersMax),
    ringChannels: readRingChannels(request.ringChannels),
  };
  return { event, tokenId: token?.tokenId };
}

export function readRingChannels(kinds: readonly string[]): readonly string[] {
  return ringChannelKinds.filter((kind) => kinds.includes(kind));
}

export function readDeterminismClass(
  value: DeterminismClass | undefined,
): { readonly engine: string; readonly build: string } | undefined {
  if (!value) return undefined;
  return {
    engine: readText(value.engine, 'determinismClass.engine'),
    build: readText(value.build, 'determinismClass.build', limits.textCharactersMax),
  };
}
