import { createHash } from 'node:crypto';
import { GradswarmError } from '../../shared/base/errors.ts';
import { limits } from '../../shared/base/limits.ts';
import type { ServiceHandlers } from '../../shared/protocol/rpc-handlers.ts';
import type { adminService } from '../../shared/protocol/services.ts';
import type { Timers } from '../../shared/protocol/timers.ts';
import { checkProtocolVersion } from '../../shared/protocol/version.ts';
import { jobHistory, jobStatus, listJobs, listWorkers, planChangesOf, roundPlan } from '../core/views.ts';
import type { AdminConnection } from './admin-connection.ts';
import { datasetMessage, planMessage, statusMessage, workerMessage } from './admin-messages.ts';
import type { AdminGatewayDeps } from './admin-ports.ts';
import type { Changes } from './changes.ts';
import { clusterHandlers } from './cluster-handlers.ts';
import { readChoice, readHash, readJobId, readText, unknownJob } from './fields.ts';
import { verifyToken } from './tokens.ts';
import { watchJob } from './watch-job.ts';

type Handlers = ServiceHandlers<typeof adminService, AdminConnection>;

export function createAdminHandlers(deps: AdminGatewayDeps, changes: Changes, timers: Timers): Handlers {
  const { actions, state, nowMs } = deps;
  return {
    signIn: signInHandler(deps),
    ...jobHandlers(deps, changes, timers),
    listWorkers: {
      answer: () => ({ message: { workers: listWorkers(state(), nowMs()).map(workerMessage) } }),
    },
    putBlob: {
      payloadBytesMax: ({ hash }) => {
        readHash(hash, 'hash');
        return limits.shardBytesMax;
      },
      answer({ hash }, _context, payload) {
        const actual = createHash('sha256').update(payload).digest('hex');
        if (actual !== hash) {
          throw new GradswarmError('hashMismatch', `the payload has the SHA-256 ${actual}`, 'hash');
        }
        return { message: { stored: actions.putBlob(readHash(hash, 'hash'), payload) } };
      },
    },
    registerDataset: {
      answer: async ({ manifestJson }) => ({
        message: { name: await actions.registerDataset(manifestJson) },
      }),
    },
    listDatasets: {
      answer: () => ({
        message: { datasets: [...state().replicated.datasets.values()].map(datasetMessage) },
      }),
    },
    ...tokenHandlers(deps, timers),
    ...clusterHandlers(deps),
  };
}

function signInHandler({ state, clusterId, version, cluster }: AdminGatewayDeps): Handlers['signIn'] {
  return {
    answer(request, { connection }) {
      checkProtocolVersion(request.protocolVersion);
      if (connection.tokenId !== undefined) {
        throw new GradswarmError('conflict', 'this connection has signed in already');
      }
      const { tokenId, role } = verifyToken(request.token, state().replicated.tokens.values());
      if (role !== 'admin') {
        throw new GradswarmError(
          'forbidden',
          `this is a token of role ${role}; an admin's is needed`,
          'token',
        );
      }
      connection.tokenId = tokenId;
      const { isLeader, leaderUrl = '', coordinatorUrls } = cluster();
      return {
        message: { role, clusterId, version, isLeader, leaderUrl, coordinators: [...coordinatorUrls] },
      };
    },
  };
}

type JobMethod =
  | 'submitJob'
  | 'listJobs'
  | 'getJobStatus'
  | 'watchJob'
  | 'controlJob'
  | 'changeStrategy'
  | 'exportJob';

function jobHandlers(deps: AdminGatewayDeps, changes: Changes, timers: Timers): Pick<Handlers, JobMethod> {
  const { actions, state, nowMs } = deps;
  return {
    submitJob: {
      answer: async ({ documentJson }) => ({ message: await actions.submitJob(documentJson) }),
    },
    listJobs: {
      answer: () => ({ message: { jobs: listJobs(state(), nowMs()).map(statusMessage) } }),
    },
    getJobStatus: {
      answer({ jobId }) {
        const job = state().replicated.jobs.get(readJobId(jobId));
        if (!job) throw unknownJob(jobId);
        const status = jobStatus(state(), job, nowMs());
        return {
          message: {
            status: statusMessage(status),
            documentJson: JSON.stringify(job.document),
            history: [...jobHistory(job)],
            unitsCounted: status.unitsCounted,
            planChanges: planChangesOf(job),
            plan: planMessage(roundPlan(job)),
          },
        };
      },
    },
    watchJob: {
      answer: ({ jobId }, { signal }) =>
        watchJob(readJobId(jobId), { state, nowMs, timers, changes: changes.watch(jobId, signal) }),
    },
    controlJob: {
      async answer({ jobId, action }) {
        await actions.controlJob(jobId, action);
        return { message: {} };
      },
    },
    changeStrategy: {
      async answer({ jobId, documentJson }) {
        return { message: { plan: await actions.changeStrategy(jobId, documentJson) } };
      },
    },
    exportJob: {
      async answer({ jobId }) {
        const { files, ...exported } = await actions.exportJob(jobId);
        return { message: { ...exported, files: [...files] } };
      },
    },
  };
}

type TokenMethod = 'createToken' | 'listTokens' | 'revokeToken';

function tokenHandlers(
  { actions, state, onTokenRevoked }: AdminGatewayDeps,
  timers: Timers,
): Pick<Handlers, TokenMethod> {
  return {
    createToken: {
      async answer({ name, role }) {
        const text = readText(name, 'name');
        if (text === '') throw new GradswarmError('badRequest', 'a token needs a name', 'name');
        return {
          message: await actions.createToken(
            text,
            readChoice(role, ['admin', 'worker', 'contributor'], 'role'),
          ),
        };
      },
    },
    listTokens: {
      answer: () => ({
        message: {
          tokens: [...state().replicated.tokens.values()].map(({ tokenId, name, role, atMs }) => ({
            tokenId,
            name,
            role,
            createdAtMs: atMs,
          })),
        },
      }),
    },
    revokeToken: {
      async answer({ tokenId }) {
        await actions.revokeToken(tokenId);
        // After the answer: an admin may revoke the token of this very connection.
        timers.after(0, () => onTokenRevoked(tokenId));
        return { message: {} };
      },
    },
  };
}
