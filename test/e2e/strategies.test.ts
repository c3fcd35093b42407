import { setTimeout as pause } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import type { RoundCommitted } from '../../server/core/commands.ts';
import type { AuthoredJob } from '../../shared/job/complete-job-document.ts';
import { adminService } from '../../shared/protocol/services.ts';
import { bytesOf } from '../../shared/tensor/bytes.ts';
import { committedRounds } from './support/committed-rounds.ts';
import { type CoordinatorProcess, startCoordinator } from './support/coordinator.ts';
import { cloudsCsv } from './support/tables.ts';
import { honestFields, openVolunteer, type Volunteer } from './support/volunteer.ts';

const batchSize = 64;

const job: AuthoredJob = {
  name: 'clouds',
  model: { kind: 'mlp', hidden: [32] },
  dataset: 'clouds',
  loss: 'softmaxCrossEntropy',
  optimizer: { kind: 'sgd', learningRate: 0.1 },
  unitsPerRound: 3,
  batchSize,
  codec: { up: ['float32', 'int8'] },
  stop: { rounds: 1_000_000 },
  evaluation: { samplesMax: 0 },
};

async function begin(fields: Partial<AuthoredJob>): Promise<CoordinatorProcess> {
  const coordinator = await startCoordinator();
  const csv = coordinator.writeFile('clouds.csv', cloudsCsv(500));
  await coordinator.succeed('dataset', 'import', 'clouds', '--csv', csv, '--target', 'class');
  await coordinator.submit({ ...job, ...fields });
  return coordinator;
}

/** Resolves when so many more rounds are committed. */
async function untilRoundsMore(coordinator: CoordinatorProcess, rounds: number): Promise<number> {
  const { status } = await coordinator.status('clouds');
  const wanted = (status?.version ?? 0) + rounds;
  return (await coordinator.untilStatus('clouds', ({ version }) => version >= wanted)).version;
}

/** Ends the coordinator, and checks that it has counted what its log says. */
async function endAndRead(coordinator: CoordinatorProcess): Promise<readonly RoundCommitted[]> {
  await (await coordinator.admin()).unary(adminService.method.controlJob, {
    jobId: 'clouds',
    action: 'pause',
  });
  const { status, unitsCounted } = await coordinator.status('clouds');
  await coordinator.kill();
  const rounds = await committedRounds(coordinator.dataFolder, 'clouds');
  expect(rounds.map(({ round }) => round)).toEqual([...rounds.keys()]);
  expect(status?.version).toBe(rounds.length);
  expect(unitsCounted).toBe(rounds.reduce((sum, { units }) => sum + units, 0));
  expect(status?.samples).toBe(rounds.reduce((sum, { samples }) => sum + samples, 0));
  return rounds;
}

it('closes rounds on a quorum while one worker of three stands still', async () => {
  const coordinator = await begin({ strategy: { kind: 'parameterServerSynchronous', quorum: 0.6 } });
  const token = await coordinator.createToken('worker');
  const [stalled] = [1, 2, 3].map(() => coordinator.startWorker(token, '--backend', 'wasm'));
  const admin = await coordinator.admin();
  for (let atWork = 0; atWork < 3; ) {
    const { workers } = (await admin.unary(adminService.method.listWorkers, {})).message;
    atWork = workers.filter(({ unitsAccepted }) => unitsAccepted > 0).length;
    await pause(20);
  }
  stalled?.process.kill('SIGSTOP');
  await untilRoundsMore(coordinator, 8);
  stalled?.process.kill('SIGCONT');
  await untilRoundsMore(coordinator, 2);
  const rounds = await endAndRead(coordinator);
  for (const { units, samples } of rounds) {
    expect([2, 3]).toContain(units);
    expect(samples).toBe(units * batchSize);
  }
  // It held a unit, or was handed the next one, and that round closed without it.
  expect(rounds.filter(({ units }) => units === 2).length).toBeGreaterThan(0);
});

async function volunteer(coordinator: CoordinatorProcess, token: string): Promise<Volunteer> {
  const opened = await openVolunteer(coordinator.url, { token });
  onTestFinished(() => opened.close());
  return opened;
}

it('counts stale contributions within the bound, and refuses older ones by their code', async () => {
  const coordinator = await begin({
    strategy: { kind: 'parameterServerAsynchronous', buffer: 2, stalenessMax: 1 },
  });
  const token = await coordinator.createToken('worker');
  const [quick, slow] = [await volunteer(coordinator, token), await volunteer(coordinator, token)];
  const contribute = async (by: Volunteer, lease: Awaited<ReturnType<Volunteer['lease']>>) => {
    const fields = await honestFields(by, lease);
    await by.contribute(fields, bytesOf(new Float32Array(fields.length).fill(0.001)));
  };
  const fresh = async () => contribute(quick, await quick.lease('clouds'));
  const [late, later] = [await slow.lease('clouds'), await slow.lease('clouds')];

  for (let unit = 0; unit < 2; unit++) await fresh();
  await coordinator.untilStatus('clouds', ({ version }) => version === 1);
  await contribute(slow, late);
  await fresh();
  await coordinator.untilStatus('clouds', ({ version }) => version === 2);
  await expect(contribute(slow, later)).rejects.toMatchObject({ code: 'tooStale', field: 'version' });
  for (let unit = 0; unit < 2; unit++) await fresh();
  await coordinator.untilStatus('clouds', ({ version }) => version === 3);

  const { status } = await coordinator.status('clouds');
  expect(status).toMatchObject({ overtakenContributions: 1, refusedContributions: 0 });
  const rounds = await endAndRead(coordinator);
  expect(rounds.map(({ units, staleUnits = 0 }) => [units, staleUnits])).toEqual([
    [2, 0],
    [2, 1],
    [2, 0],
  ]);
});

interface Boundary {
  readonly round: number;
  readonly plan: string;
}

it('changes between strategies and local steps at round boundaries, and refuses what is no strategy', async () => {
  const coordinator = await begin({
    localSteps: { steps: 4, optimizer: { kind: 'sgd', learningRate: 0.05 } },
  });
  coordinator.startWorker(await coordinator.createToken('worker'), '--backend', 'wasm');
  await untilRoundsMore(coordinator, 2);
  const asked = [
    { kind: 'parameterServerAsynchronous', buffer: 2, stalenessMax: 2 },
    { strategy: { kind: 'parameterServerSynchronous' }, localSteps: 8, codec: 'int8' },
    { localSteps: 2 },
  ];
  for (const plan of asked) {
    await coordinator.succeed('job', 'strategy', 'clouds', JSON.stringify(plan));
    await untilRoundsMore(coordinator, 3);
  }
  const refused = await Promise.all(
    refusals.map(async ([document]) => {
      const { code, lines, stderr } = await coordinator.run('job', 'strategy', 'clouds', document);
      const text = [...lines.map((line) => JSON.stringify(line)), stderr].join('\n');
      return [code, /"field":"([^"]*)"/.exec(text)?.[1], text];
    }),
  );
  for (const [index, [, field, says]] of refusals.entries()) {
    expect(refused[index]).toEqual([2, field, expect.stringMatching(says)]);
  }
  const [shown] = (await coordinator.succeed('job', 'show', 'clouds')).lines;
  expect(shown?.['plan']).toMatchObject({
    strategy: { kind: 'parameterServerSynchronous' },
    localSteps: 2,
    codecs: ['int8'],
    by: 'admin',
    reason: 'asked for by an admin',
  });
  const changes = shown?.['planChanges'] as readonly Boundary[];
  expect(changes.length).toBe(asked.length);

  const rounds = await endAndRead(coordinator);
  const shapes = [...rounds.map(({ units, samples }) => `${units} units of ${samples / units / batchSize}`)];
  const expected = ['3 units of 4', '2 units of 4', '3 units of 8', '3 units of 2'];
  const bounds = [0, ...changes.map(({ round }) => round), rounds.length];
  for (const [plan, shape] of expected.entries()) {
    // The round that was open when the plan changed goes on as it began.
    const [first = 0, next = 0] = bounds.slice(plan, plan + 2);
    const whole = shapes.slice(plan === 0 ? 0 : first + 1, next);
    expect(whole.length).toBeGreaterThan(0);
    expect(new Set(whole)).toEqual(new Set([shape]));
    expect([shape, expected[plan - 1]]).toContain(shapes[first]);
  }
});

const refusals: readonly (readonly [document: string, field: string, says: RegExp])[] = [
  [
    '{"kind":"parameterServerAsynchronous","buffer":0,"stalenessMax":1}',
    'strategy.buffer',
    /must be >= 1, but is 0/,
  ],
  ['{"kind":"parameterServer"}', 'strategy.kind', /must be one of .*parameterServerSynchronous/],
  ['{"codec":"int4"}', 'codec', /must be one of float32, int8, but is .*int4/],
  ['{"batchSize":4}', 'batchSize', /known here are strategy, localSteps, codec/],
  ['nowhere.json', 'document', /neither JSON nor a readable file/],
];
