import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { completeCodec } from '../../shared/job/complete-codec.ts';
import type { AuthoredJob } from '../../shared/job/complete-job-document.ts';
import { type CoordinatorProcess, openCoordinator } from './support/coordinator.ts';
import { projectFolder, spawnGradswarm } from './support/processes.ts';
import { cloudsCsv, grammarText, housesCsv } from './support/tables.ts';

interface Case {
  readonly name: string;
  readonly file: string;
  readonly content: string;
  /** Of `dataset import NAME`, after the file. */
  readonly flags: readonly string[];
  readonly kind: 'records' | 'tokens';
  readonly job: Omit<AuthoredJob, 'name' | 'dataset'>;
  /** What the network has learnt by the end. */
  readonly testLossMax: number;
}

const stop = { rounds: 40 };
const evaluation = { everyRounds: 20, samplesMax: 200, batchSize: 100 };
const gpt: Case['job'] = {
  model: { kind: 'gpt', layers: 1, heads: 2, width: 32, context: 16 },
  loss: 'softmaxCrossEntropy',
  optimizer: { kind: 'adamw', learningRate: 0.01 },
  unitsPerRound: 2,
  batchSize: 16,
  stop,
  evaluation: { everyRounds: 20, samplesMax: 64, batchSize: 32 },
};

const cases: readonly Case[] = [
  {
    name: 'clouds',
    file: 'clouds.csv',
    content: cloudsCsv(1_000),
    flags: ['--csv', '', '--target', 'class'],
    kind: 'records',
    job: {
      model: { kind: 'mlp', hidden: [16] },
      loss: 'softmaxCrossEntropy',
      optimizer: { kind: 'adamw', learningRate: 0.02 },
      stop,
      evaluation,
    },
    testLossMax: 0.5,
  },
  {
    name: 'houses',
    file: 'houses.csv',
    content: housesCsv(1_000),
    flags: ['--csv', '', '--target', 'price', '--task', 'regression'],
    kind: 'records',
    job: {
      model: { kind: 'mlp', hidden: [16] },
      loss: 'meanSquaredError',
      optimizer: { kind: 'nesterov', learningRate: 0.05 },
      codec: { up: 'int8', down: 'int8' },
      stop,
      evaluation,
    },
    // Targets are standardised: 1 is what the mean of all prices would get.
    testLossMax: 0.2,
  },
  {
    name: 'grammar',
    file: 'grammar.txt',
    content: grammarText(600),
    flags: ['--text', ''],
    kind: 'tokens',
    job: gpt,
    testLossMax: 2,
  },
  {
    name: 'grammar-bpe',
    file: 'grammar.txt',
    content: grammarText(600),
    flags: ['--text', '', '--tokenizer', 'bpe', '--vocabulary', '300'],
    kind: 'tokens',
    job: gpt,
    testLossMax: 3,
  },
];

let coordinator: CoordinatorProcess;
beforeAll(async () => {
  coordinator = await openCoordinator();
  const token = await coordinator.createToken('worker');
  const worker = spawnGradswarm(['worker', '--json', '--backend', 'wasm', '--url', coordinator.url], {
    GRADSWARM_TOKEN: token,
  });
  return async () => {
    await worker.kill();
    await coordinator.close();
  };
});

async function objectOf(...commandArguments: readonly string[]) {
  const { lines } = await coordinator.succeed(...commandArguments);
  expect(lines).toHaveLength(1);
  return lines[0] ?? {};
}

async function trainOnOwnData(given: Case): Promise<void> {
  const { name, kind } = given;
  const path = coordinator.writeFile(`${name}-${given.file}`, given.content);
  const flags = given.flags.map((flag) => (flag === '' ? path : flag));
  const imported = await objectOf('dataset', 'import', name, ...flags);
  expect(imported).toMatchObject({ dataset: name, kind });
  expect(imported['train']).toBeGreaterThan(Number(imported['test']));
  expect(imported['test']).toBeGreaterThan(0);

  const job = { ...given.job, name, dataset: name };
  const document = coordinator.writeFile(`${name}.json`, JSON.stringify(job));
  const submitted = await objectOf('job', 'submit', document);
  expect(submitted).toMatchObject({ job: name });

  const waited = (await coordinator.succeed('job', 'wait', name)).lines;
  expect(waited.at(-1)).toMatchObject({ job: name, state: 'finished', round: stop.rounds });
  const rounds = waited.map(({ round }) => Number(round));
  expect(rounds).toEqual(rounds.toSorted((left, right) => left - right));

  const shown = await objectOf('job', 'show', name);
  expect(shown).toMatchObject({
    state: 'finished',
    parameters: submitted['parameters'],
    unitsCounted: stop.rounds * (job.unitsPerRound ?? 4),
    document: { ...job, codec: completeCodec(job.codec), seed: 1 },
  });
  expect(shown['testLoss']).toBeLessThan(given.testLossMax);

  const exported = await objectOf('job', 'export', name);
  expect(exported).toMatchObject({ version: stop.rounds, parametersHash: shown['parametersHash'] });
  const files = exported['files'] as string[];
  expect(files).toContain('model.safetensors');
  for (const file of files) {
    expect(existsSync(join(resolve(projectFolder, String(exported['directory'])), file)), file).toBe(true);
  }
}

it.concurrent.each(cases.map((given) => [given.name, given] as const))(
  '%s is imported, trained, shown and exported',
  (_, given) => trainOnOwnData(given),
);

describe('what was imported and submitted', () => {
  it('is listed', async () => {
    const names = cases.map(({ name }) => name);
    const [datasets, jobs, workers] = await Promise.all([
      coordinator.succeed('dataset', 'list'),
      coordinator.succeed('job', 'list'),
      coordinator.succeed('workers'),
    ]);
    expect(datasets.lines.map(({ dataset }) => dataset)).toEqual(expect.arrayContaining(names));
    expect(jobs.lines.map(({ job, state }) => [job, state])).toEqual(
      expect.arrayContaining(names.map((name) => [name, 'finished'])),
    );
    expect(workers.lines[0]).toMatchObject({ home: 'node', role: 'worker', engine: 'wasm', refused: 0 });
  });

  it('cannot be submitted twice', async () => {
    const again = await coordinator.run('job', 'submit', join(coordinator.folder, 'clouds.json'));
    expect(again.code).toBe(1);
    expect(JSON.parse(again.stderr)).toMatchObject({ error: { code: 'conflict', field: 'name' } });
  });
});

describe('a job that does not finish', () => {
  it('is paused, resumed and cancelled, and waiting for it fails', async () => {
    const job = { ...cases[0]?.job, name: 'endless', dataset: 'clouds', stop: { rounds: 1_000_000 } };
    const document = coordinator.writeFile('endless.json', JSON.stringify(job));
    await coordinator.succeed('job', 'submit', document);
    const waiting = coordinator.run('job', 'wait', 'endless');
    for (const [action, state] of [
      ['pause', 'paused'],
      ['resume', 'running'],
      ['cancel', 'cancelled'],
    ] as const) {
      await coordinator.succeed('job', action, 'endless');
      expect((await coordinator.status('endless')).status?.state).toBe(state);
    }
    const { code, lines } = await waiting;
    expect(code).toBe(1);
    expect(lines.at(-1)).toMatchObject({ state: 'cancelled' });
  });
});
