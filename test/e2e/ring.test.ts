import { expect, it } from 'vitest';
import type { AuthoredJob } from '../../shared/job/complete-job-document.ts';
import { adminService } from '../../shared/protocol/services.ts';
import { cloudsJob } from './support/clouds-training.ts';
import { type CoordinatorProcess, startCoordinator } from './support/coordinator.ts';
import { cloudsCsv } from './support/tables.ts';

const rounds = 40;
const unitsPerRound = 8;

const job = cloudsJob({
  hidden: [128, 128],
  rounds,
  unitsPerRound,
  batchSize: 64,
  evaluation: { everyRounds: 20, samplesMax: 100 },
  seed: 11,
});

async function begin(strategy: AuthoredJob['strategy']): Promise<CoordinatorProcess> {
  const coordinator = await startCoordinator();
  const csv = coordinator.writeFile('clouds.csv', cloudsCsv(1_000));
  await coordinator.succeed('dataset', 'import', 'clouds', '--csv', csv, '--target', 'class');
  await coordinator.submit({ ...job, ...(strategy === undefined ? {} : { strategy }) });
  return coordinator;
}

async function finish(coordinator: CoordinatorProcess): Promise<string> {
  const { parametersHash } = await coordinator.untilStatus('clouds', ({ state }) => state === 'finished');
  const { unitsCounted } = await coordinator.status('clouds');
  expect(unitsCounted).toBe(rounds * unitsPerRound);
  return parametersHash;
}

/** Payload bytes that the coordinator took from its workers to sum them. */
async function bytesReceived(coordinator: CoordinatorProcess): Promise<number> {
  const { message } = await (await coordinator.admin()).unary(adminService.method.listWorkers, {});
  return message.workers.reduce((sum, worker) => sum + worker.bytesReceived, 0);
}

it('gives the bits of the server, while a member of four is killed', async () => {
  const server = await begin(undefined);
  server.startWorker(await server.createToken('worker'), '--backend', 'wasm');
  const expected = await finish(server);
  const serverBytes = await bytesReceived(server);
  await server.close();

  const coordinator = await begin({ kind: 'ringAllReduce' });
  const token = await coordinator.createToken('worker');
  const [first] = ['one', 'two', 'three', 'four'].map((name) =>
    coordinator.startWorker(token, '--backend', 'wasm', '--name', name),
  );
  await coordinator.untilStatus('clouds', ({ version }) => version >= 8);
  await first?.kill();
  expect(await finish(coordinator)).toBe(expected);
  expect(await bytesReceived(coordinator)).toBeLessThan(serverBytes / 2);
});
