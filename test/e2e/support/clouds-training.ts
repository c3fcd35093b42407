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

type CloudsJob = Pick<AuthoredJob, 'batchSize' | 'evaluation' | 'checkpoint' | 'seed' | 'strategy'> & {
  /** `clouds` when absent. */
  readonly name?: string;
  readonly hidden: readonly number[];
  readonly rounds: number;
  readonly unitsPerRound: number;
};

export function createCloudsTraining({
  name = 'clouds',
  hidden,
  rounds,
  unitsPerRound,
  ...rest
}: CloudsJob): CloudsTraining {
  const job: AuthoredJob = {
    name,
    model: { kind: 'mlp', hidden },
    dataset: 'clouds',
    loss: 'softmaxCrossEntropy',
    optimizer: { kind: 'adamw', learningRate: 0.003 },
    unitsPerRound,
    codec: { up: 'int8', down: 'int8' },
    stop: { rounds },
    ...rest,
  };
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
        name,
        ({ status: now }) => now?.state === 'finished',
      );
      expect(status?.version).toBe(rounds);
      expect(unitsCounted).toBe(rounds * unitsPerRound);
      return status?.parametersHash ?? '';
    },
  };
}
