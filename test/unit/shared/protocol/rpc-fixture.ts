import { GradswarmError } from '../../../../shared/base/errors.ts';
import { limits } from '../../../../shared/base/limits.ts';
import { createRandom } from '../../../../shared/base/random.ts';
import type { Link } from '../../../../shared/protocol/link.ts';
import { createLinkPair } from '../../../../shared/protocol/memory-link.ts';
import type { PayloadBudget } from '../../../../shared/protocol/payload-in.ts';
import { createRpcClient, type RpcClient } from '../../../../shared/protocol/rpc-client.ts';
import type { ServiceHandlers } from '../../../../shared/protocol/rpc-handlers.ts';
import type { ServedConnection } from '../../../../shared/protocol/rpc-server.ts';
import { createRpcServer } from '../../../../shared/protocol/rpc-server.ts';
import { workerService } from '../../../../shared/protocol/services.ts';
import { systemTimers } from '../../../../shared/system/system-timers.ts';

export const chunkBytes = limits.frameChunkBytesMax;

type Handlers = ServiceHandlers<typeof workerService, string>;

const unused = {
  answer: () => {
    throw new GradswarmError('notFound', 'not part of this test');
  },
};

const none: Handlers = {
  register: unused,
  heartbeat: unused,
  lease: unused,
  releaseLeases: unused,
  getJob: unused,
  getParameters: unused,
  watchParameters: unused,
  contribute: unused,
  reportEvaluation: unused,
  watchRing: unused,
  relayRing: unused,
  signalRing: unused,
  reportRing: unused,
  uploadRing: unused,
};

export interface TestServer {
  readonly client: RpcClient;
  readonly server: ServedConnection;
  readonly defects: string[];
  serve(link: Link): ServedConnection;
}

/** A server with the handlers that a test needs, and a client joined to it in memory. */
export function connectServer(
  handlers: Partial<Handlers>,
  admit: (connection: string, method: string) => void = () => {},
  budget?: PayloadBudget,
): TestServer {
  const defects: string[] = [];
  const server = createRpcServer<typeof workerService, string>(
    workerService,
    { ...none, ...handlers },
    {
      timers: systemTimers,
      admit,
      onDefect: (error) => defects.push(error instanceof Error ? error.message : String(error)),
      ...(budget ? { budget } : {}),
    },
  );
  const [clientLink, serverLink] = createLinkPair();
  return {
    client: createRpcClient(clientLink, { timers: systemTimers }),
    server: server.serve(serverLink, 'first'),
    defects,
    serve: (link) => server.serve(link, 'raw'),
  };
}

export function noise(length: number): Uint8Array {
  const random = createRandom(length);
  return Uint8Array.from({ length }, () => random.below(256));
}

export async function codeOfRejection(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'resolved';
  } catch (error) {
    return error instanceof GradswarmError ? error.code : String(error);
  }
}
