import {
  createWorkerCore,
  type WorkerCore,
  type WorkerCoreOptions,
} from '../../../../../../client/worker/worker-core.ts';
import { GradswarmError } from '../../../../../../shared/base/errors.ts';
import type { JobDocument } from '../../../../../../shared/job/job-document.ts';
import type { Timers } from '../../../../../../shared/protocol/timers.ts';
import { FakeCoordinator } from './fake-coordinator.ts';
import { createPlainCompute, type PlainCompute, plainLength } from './plain-compute.ts';
import { shardBytesByHash, smallDocument } from './small-job.ts';
import { until } from './until.ts';

const speed = 50;

/** A clock that runs fifty times faster than the wall, for waits that would be long otherwise. */
export const fastTimers: Timers = {
  nowMs: () => performance.now() * speed,
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs / speed);
    return () => clearTimeout(timer);
  },
};

export interface Harness {
  readonly coordinator: FakeCoordinator;
  readonly compute: PlainCompute;
  readonly core: WorkerCore;
  /** Addresses in the order in which they were tried. */
  readonly tried: string[];
  /** Addresses where nobody listens now. */
  readonly dead: Set<string>;
  /** Addresses from which shards were fetched. */
  readonly fetched: string[];
  /** Resolves when `condition` holds; looks after every turn of the loop. */
  until(condition: () => boolean): Promise<void>;
}

export interface HarnessOptions {
  readonly document?: Partial<JobDocument>;
  readonly worker?: Partial<WorkerCoreOptions>;
  /** Addresses where nobody listens. */
  readonly dead?: readonly string[];
  /** The engine computes beside the session's thread. */
  readonly aside?: boolean;
}

/** A worker core and a coordinator, joined in memory; only the device is by hand. */
export function createHarness(options: HarnessOptions = {}): Harness {
  const { document, worker, dead: deadUrls = [], aside = false } = options;
  const dead = new Set(deadUrls);
  const fetched: string[] = [];
  const coordinator = new FakeCoordinator(
    { ...smallDocument, ...document },
    [{ name: 'values', shape: [plainLength] }],
    Float32Array.from({ length: plainLength }, (_, index) => Math.sin(index) * 2),
  );
  const compute = createPlainCompute(aside);
  const tried: string[] = [];
  const core = createWorkerCore({
    urls: ['http://alpha.test'],
    token: 'secret',
    name: 'tester',
    home: 'node',
    backend: 'cpu',
    engineHome: {
      gpu: async () => undefined,
      gpuMissingReason: 'none here',
      wasmFile: undefined,
      scriptEngine: 'v8',
    },
    onStatus: () => {},
    connect: async (url) => {
      tried.push(url);
      if (dead.has(url)) throw new GradswarmError('unavailable', `nobody at ${url}`);
      return coordinator.connect(url);
    },
    compute,
    ...worker,
    ports: {
      timers: fastTimers,
      chance: () => 0.5,
      async fetchBytes(url) {
        fetched.push(url);
        const bytes = shardBytesByHash.get(url.split('/').at(-1) ?? '');
        if (!bytes) throw new GradswarmError('notFound', `${url} does not exist`);
        return bytes.slice();
      },
      ...worker?.ports,
    },
  });
  return { coordinator, compute, core, tried, dead, fetched, until };
}
