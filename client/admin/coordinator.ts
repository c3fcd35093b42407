import { GradswarmError } from '../../shared/base/errors.ts';
import { limits } from '../../shared/base/limits.ts';
import {
  adminService,
  type ClusterStatusResponse,
  type CreateTokenResponse,
  type DatasetStatus,
  type ExportJobResponse,
  type GetJobStatusResponse,
  type JobStatus,
  type TokenStatus,
  type WorkerStatus,
} from '../../shared/protocol/services.ts';
import type { Connection } from './connection.ts';

export type JobAction = 'pause' | 'resume' | 'cancel';
export type TokenRole = 'admin' | 'worker' | 'contributor';

/** What the control page asks of the coordinator: one function a method, plain values in and out. */
export interface Coordinator {
  listJobs(): Promise<JobStatus[]>;
  jobStatus(jobId: string): Promise<GetJobStatusResponse>;
  watchJob(jobId: string, signal: AbortSignal): AsyncIterable<JobStatus>;
  submitJob(documentJson: string): Promise<string>;
  controlJob(jobId: string, action: JobAction): Promise<void>;
  exportJob(jobId: string): Promise<ExportJobResponse>;
  /** One exported file, to be saved by the browser. */
  downloadExport(jobId: string, file: string): Promise<Blob>;
  listWorkers(): Promise<WorkerStatus[]>;
  listDatasets(): Promise<DatasetStatus[]>;
  listTokens(): Promise<TokenStatus[]>;
  createToken(name: string, role: TokenRole): Promise<CreateTokenResponse>;
  revokeToken(tokenId: string): Promise<void>;
  clusterStatus(): Promise<ClusterStatusResponse>;
}

export function createCoordinator(connection: Connection, request: typeof fetch): Coordinator {
  const { method } = adminService;
  const options = { timeoutMs: limits.pageRequestTimeoutMs };
  const client = () => connection.client();
  return {
    listJobs: async () => (await client().unary(method.listJobs, {}, options)).message.jobs,
    jobStatus: async (jobId) => (await client().unary(method.getJobStatus, { jobId }, options)).message,
    async *watchJob(jobId, signal) {
      for await (const { message } of client().stream(method.watchJob, { jobId }, { signal })) yield message;
    },
    submitJob: async (documentJson) =>
      (await client().unary(method.submitJob, { documentJson }, options)).message.jobId,
    controlJob: async (jobId, action) => {
      await client().unary(method.controlJob, { jobId, action }, options);
    },
    // Writing the files of a large model takes as long as it takes.
    exportJob: async (jobId) => (await client().unary(method.exportJob, { jobId })).message,
    downloadExport: (jobId, file) => download(request, connection, jobId, file),
    listWorkers: async () => (await client().unary(method.listWorkers, {}, options)).message.workers,
    listDatasets: async () => (await client().unary(method.listDatasets, {}, options)).message.datasets,
    listTokens: async () => (await client().unary(method.listTokens, {}, options)).message.tokens,
    createToken: async (name, role) =>
      (await client().unary(method.createToken, { name, role }, options)).message,
    revokeToken: async (tokenId) => {
      await client().unary(method.revokeToken, { tokenId }, options);
    },
    clusterStatus: async () => (await client().unary(method.clusterStatus, {}, options)).message,
  };
}

/** The files lie on the coordinator that wrote them, which need not be the one that served this page. */
async function download(
  request: typeof fetch,
  { url, token }: Pick<Connection, 'url' | 'token'>,
  jobId: string,
  file: string,
): Promise<Blob> {
  const path = `v1/exports/${encodeURIComponent(jobId)}/${encodeURIComponent(file)}`;
  const response = await request(new URL(path, url.value), {
    headers: { authorization: `Bearer ${token.value}` },
  });
  if (!response.ok) {
    throw new GradswarmError('unavailable', `${file} could not be fetched (HTTP ${response.status})`);
  }
  return response.blob();
}
