import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { AuthoredJob } from '../../../shared/job/complete-job-document.ts';
import type { CoordinatorCluster } from './coordinator-cluster.ts';
import { cloudsCsv } from './tables.ts';

/** A job whose final bits are compared between clusters. */
export interface CloudsTraining {
  readonly rounds: number;
  readonly unitsPerRound: number;
  /** Imports the data and submits the job. Resolves with a token for workers. */
  begin(cluster: CoordinatorCluster): Promise<string>;
  /** Resolves with the hash of the final parameters, when every unit of every round has counted once. */
  finish(cluster: CoordinatorCluster): Promise<string>;
}

type CloudsJob = Partial<Omit<AuthoredJob, 'model'>> & {
  readonly hidden: readonly number[];
  readonly rounds: number;
  readonly unitsPerRound: number;
};

/** Named `clouds` unless it says otherwise. */
export function cloudsJob({ hidden, rounds, ...rest }: CloudsJob): AuthoredJob {
  return {
    name: 'clouds',
    model: { kind: 'mlp', hidden },
    dataset: 'clouds',
    loss: 'softmaxCrossEntropy',
    optimizer: { kind: 'adamw', learningRate: 0.003 },
    codec: { up: 'int8', down: 'int8' },
    stop: { rounds },
    ...rest,
  };
}

export function createCloudsTraining(options: CloudsJob): CloudsTraining {
  const { rounds, unitsPerRound } = options;
  const job = cloudsJob(options);
  return {
    rounds,
    unitsPerRound,
    async begin(cluster) {
      const csv = join(cluster.folder, 'clouds.csv');
      writeFileSync(csv, cloudsCsv(2_000));
      await cluster.succeed('dataset', 'import', 'clouds', '--csv', csv, '--target', 'class');
      await cluster.submit(job);
      return cluster.createToken('worker');
    },
    async finish(cluster) {
      const { status, unitsCounted } = await cluster.untilJob(
        job.name,
        ({ status: now }) => now?.state === 'finished',
      );
      expect(status?.version).toBe(rounds);
      expect(unitsCounted).toBe(rounds * unitsPerRound);
      return status?.parametersHash ?? '';
    },
  };
}
