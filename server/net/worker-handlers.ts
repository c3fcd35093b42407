import { assert } from '../../shared/base/assert.ts';
import { GradswarmError } from '../../shared/base/errors.ts';
import { asLeaseId } from '../../shared/base/ids.ts';
import { limits } from '../../shared/base/limits.ts';
import type { ServiceHandlers } from '../../shared/protocol/rpc-handlers.ts';
import { type Lease, unitKinds, type workerService } from '../../shared/protocol/services.ts';
import { encodeTensors } from '../../shared/protocol/tensor-messages.ts';
import type { LeaseGrant } from '../core/effect-values.ts';
import { updateBytesMax } from '../core/job-codecs.ts';
import { readJobId, unknownJob } from './fields.ts';
import { createRegistration, iceServersFor, readDeterminismClass, readRingChannels } from './registration.ts';
import { createRingHandlers } from './ring-handlers.ts';
import { type Ask, createAsk, type WorkerHandlerDeps } from './worker-calls.ts';
import { registeredWorker, type WorkerConnection } from './worker-connection.ts';
import type { ServedJob } from './worker-ports.ts';

type Handlers = ServiceHandlers<typeof workerService, WorkerConnection>;

export function createWorkerHandlers(deps: WorkerHandlerDeps): Handlers {
  const ask = createAsk(deps);
  const jobFor = (jobId: string, connection: WorkerConnection): ServedJob => {
    const job = deps.job(readJobId(jobId));
    if (!job) throw unknownJob(jobId);
    if (job.document.allowAnonymous || registeredWorker(connection).role !== 'anonymous') return job;
    throw new GradswarmError('forbidden', `job ${jobId} takes only contributors with a token`, 'jobId');
  };

  return {
    register: { answer: createRegistration(deps, ask) },
    heartbeat: {
      answer({ samplesPerSecond, ringChannels }, { connection }) {
        const { workerId } = registeredWorker(connection);
        const { post, epoch } = deps.core();
        const offered = ringChannels && { ringChannels: readRingChannels(ringChannels.kinds) };
        post({ kind: 'heartbeat', workerId, samplesPerSecond, ...offered });
        const iceServers = iceServersFor(offered?.ringChannels ?? [], deps);
        return { message: { epoch: epoch(), iceServers } };
      },
    },
    lease: leaseHandler(deps, ask),
    releaseLeases: {
      answer({ leaseIds }, { connection }) {
        const { workerId } = registeredWorker(connection);
        if (leaseIds.length > limits.leasesPerWorkerMax) {
          throw new GradswarmError('badRequest', `at most ${limits.leasesPerWorkerMax} leases`, 'leaseIds');
        }
        deps.core().post({ kind: 'leasesReleased', workerId, leaseIds: leaseIds.map(asLeaseId) });
        return { message: {} };
      },
    },
    getJob: {
      answer({ jobId }, { connection }) {
        const { document, dataset, tensors, manifestHash } = jobFor(jobId, connection);
        const documents = { documentJson: JSON.stringify(document), datasetJson: JSON.stringify(dataset) };
        return { message: { jobId, ...documents, manifest: encodeTensors(tensors), manifestHash } };
      },
    },
    getParameters: {
      answer({ jobId }, { connection }) {
        jobFor(jobId, connection);
        return deps.snapshotReply(readJobId(jobId));
      },
    },
    watchParameters: {
      answer({ jobId }, { connection, signal }) {
        jobFor(jobId, connection);
        return deps.watch(readJobId(jobId), signal);
      },
    },
    ...createRingHandlers(deps, jobFor),
    contribute: contributeHandler(ask, jobFor),
    reportEvaluation: evaluationHandler(ask),
  };
}

function leaseHandler({ cluster, edge }: WorkerHandlerDeps, ask: Ask): Handlers['lease'] {
  return {
    async answer({ jobId, pollMs }, { connection, signal }) {
      const { workerId } = registeredWorker(connection);
      const wanted = jobId === '' ? {} : { jobId: readJobId(jobId) };
      const poll = Math.min(pollMs, limits.leasePollMs);
      const answer = await ask({ kind: 'leaseRequested', workerId, ...wanted, pollMs: poll }, signal);
      assert(answer.kind === 'answerLease', 'a lease request is answered by a lease');
      const { lease, reason } = answer;
      if (lease && !cluster().isLeader) await edge?.arrived(lease);
      return { message: lease ? { lease: encodeLease(lease), reason } : { reason } };
    },
  };
}

function encodeLease(grant: LeaseGrant): Omit<Lease, '$typeName' | '$unknown'> {
  const deadlineMs = Math.max(0, Math.floor(grant.deadlineMs));
  return {
    ...grant,
    kind: unitKinds[grant.kind],
    deadlineMs,
    codec: grant.codec ?? '',
    ringId: grant.ringId ?? 0,
  };
}

function contributeHandler(
  ask: Ask,
  jobFor: (jobId: string, connection: WorkerConnection) => ServedJob,
): Handlers['contribute'] {
  return {
    payloadBytesMax: ({ jobId }, connection) => updateBytesMax(jobFor(jobId, connection)),
    async answer(request, { connection, signal }, payload) {
      const worker = registeredWorker(connection);
      const { $typeName: _, $unknown: __, determinismClass, ...header } = request;
      const event = {
        kind: 'contributionReceived',
        ...header,
        workerId: worker.workerId,
        leaseId: asLeaseId(request.leaseId),
        jobId: readJobId(request.jobId),
        determinismClass: readDeterminismClass(determinismClass) ?? worker.determinismClass,
        payload,
      } as const;
      await ask(event, signal);
      return { message: {} };
    },
  };
}

function evaluationHandler(ask: Ask): Handlers['reportEvaluation'] {
  return {
    async answer(request, { connection, signal }) {
      const worker = registeredWorker(connection);
      const { $typeName: _, $unknown: __, determinismClass, ...report } = request;
      const event = {
        kind: 'evaluationReported',
        ...report,
        workerId: worker.workerId,
        leaseId: asLeaseId(request.leaseId),
        jobId: readJobId(request.jobId),
        determinismClass: readDeterminismClass(determinismClass) ?? worker.determinismClass,
      } as const;
      await ask(event, signal);
      return { message: {} };
    },
  };
}
