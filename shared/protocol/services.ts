import { AdminService } from '../gen/gradswarm/v1/admin_pb.ts';
import { LogCommandSchema } from '../gen/gradswarm/v1/cluster_pb.ts';
import { TensorRole } from '../gen/gradswarm/v1/model_pb.ts';
import { UnitKind, WorkerService } from '../gen/gradswarm/v1/worker_pb.ts';

/** The only place that the rest of the code takes service descriptors and message types from. */
export const workerService = WorkerService;
export const adminService = AdminService;

/** What the replicated log holds; encoded by `server/runtime/command-codec.ts`. */
export const logCommandSchema = LogCommandSchema;

export const unitKinds = { train: UnitKind.TRAIN, evaluate: UnitKind.EVALUATE } as const;
export const tensorRoles = { trainable: TensorRole.TRAINABLE, statistic: TensorRole.STATISTIC } as const;

export type {
  ClusterMember,
  ClusterSnapshotResponse,
  ClusterStatusResponse,
  ControlJobRequest,
  CreateTokenRequest,
  CreateTokenResponse,
  DatasetStatus,
  ExportJobResponse,
  GetJobStatusResponse,
  HistoryPoint,
  JobStatus,
  ListDatasetsResponse,
  ListJobsResponse,
  ListTokensResponse,
  ListWorkersResponse,
  PlanChange,
  RegisterDatasetRequest,
  RoundPlan,
  SignInRequest,
  SignInResponse,
  SubmitJobRequest,
  SubmitJobResponse,
  TokenStatus,
  WorkerStatus,
} from '../gen/gradswarm/v1/admin_pb.ts';
export type { LogCommand } from '../gen/gradswarm/v1/cluster_pb.ts';
export type {
  ContributeRequest,
  DeterminismClass,
  ReportEvaluationRequest,
} from '../gen/gradswarm/v1/contribution_pb.ts';
export type { Envelope, Status } from '../gen/gradswarm/v1/envelope_pb.ts';
export type { ParameterManifest, TensorDeclaration, TensorRole } from '../gen/gradswarm/v1/model_pb.ts';
export type { RingEvent, RingIdentity, RingPlan, RingUpload } from '../gen/gradswarm/v1/ring_pb.ts';
export type {
  GetJobResponse,
  GetParametersResponse,
  HeartbeatRequest,
  HeartbeatResponse,
  JobProgress,
  Lease,
  LeaseRequest,
  LeaseResponse,
  ParameterUpdate,
  RegisterRequest,
  RegisterResponse,
  UnitKind,
} from '../gen/gradswarm/v1/worker_pb.ts';
