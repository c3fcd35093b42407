import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CoordinatorProcess, openCoordinator } from './support/coordinator.ts';
import { type Ended, runGradswarm } from './support/processes.ts';
import { cloudsCsv } from './support/tables.ts';

const badInput = 2;
const failed = 1;

/** What the table below needs of the world, made once. */
interface World {
  readonly coordinator: CoordinatorProcess;
  /** Writes a file and returns its path. */
  file(name: string, content: string | Uint8Array): string;
  /** Path of a job document that differs from a good one in these fields. */
  job(name: string, fields: Readonly<Record<string, unknown>>): string;
}

interface Case {
  readonly what: string;
  readonly command: (world: World) => readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
  readonly exit: number;
  readonly code: string;
  /** The field at fault, as far as there is one. */
  readonly field?: string;
  /** What the message says besides, the remedy above all. */
  readonly says: RegExp;
}

let world: World;
beforeAll(async () => {
  const coordinator = await openCoordinator();
  const file = (name: string, content: string | Uint8Array): string => coordinator.writeFile(name, content);
  const csv = file('clouds.csv', cloudsCsv(100));
  await coordinator.succeed('dataset', 'import', 'clouds', '--csv', csv, '--target', 'class');
  const good = {
    name: 'good',
    model: { kind: 'mlp', hidden: [4] },
    dataset: 'clouds',
    loss: 'softmaxCrossEntropy',
    optimizer: { kind: 'sgd', learningRate: 0.1 },
    stop: { rounds: 1 },
  };
  world = {
    coordinator,
    file,
    job: (name, fields) => file(`${name}.json`, JSON.stringify({ ...good, ...fields })),
  };
  return () => coordinator.close();
});

/** The last object on stderr; log lines of a coordinator may come before it. */
function errorOf({ stderr }: Ended): Readonly<Record<string, unknown>> {
  const last = stderr.trim().split('\n').at(-1) ?? '';
  return (JSON.parse(last) as { readonly error: Readonly<Record<string, unknown>> }).error;
}

function check(title: string, cases: readonly Case[]): void {
  describe(title, () => {
    const rows = cases.map((row) => [row.what, row] as const);
    it.concurrent.each(rows)('%s', async (_, { command, environment, exit, code, field, says }) => {
      const ended = await runGradswarm([...command(world), '--json'], {
        ...world.coordinator.environment,
        ...environment,
      });
      const error = errorOf(ended);
      expect(error).toMatchObject({ code, ...(field === undefined ? {} : { field }) });
      expect(error['message']).toMatch(says);
      expect(ended.code).toBe(exit);
    });
  });
}

const submit = (name: string, fields: Readonly<Record<string, unknown>>) => (given: World) => [
  'job',
  'submit',
  given.job(name, fields),
];

check('a job', [
  {
    what: 'that nobody submitted',
    command: () => ['job', 'show', 'nowhere'],
    exit: badInput,
    code: 'unknownJob',
    says: /nowhere/,
  },
  {
    what: 'that is neither a file nor built in',
    command: () => ['job', 'submit', 'minst'],
    exit: badInput,
    code: 'badRequest',
    field: 'job',
    says: /"minst" is neither .* built-in job \(.*mnist/,
  },
  {
    what: 'that is no JSON',
    command: ({ file }) => ['job', 'submit', file('torn.json', '{"name": "torn"')],
    exit: badInput,
    code: 'badRequest',
    says: /JSON/,
  },
  {
    what: 'without a stop rule',
    command: submit('no-stop', { stop: undefined }),
    exit: badInput,
    code: 'badRequest',
    field: 'stop',
    says: /stop is missing/,
  },
  {
    what: 'with a field too many',
    command: submit('batch', { batchsize: 3 }),
    exit: badInput,
    code: 'badRequest',
    field: 'batchsize',
    says: /did you mean "batchSize"/,
  },
  {
    what: 'with an unknown model',
    command: submit('transformer', { model: { kind: 'transformer' } }),
    exit: badInput,
    code: 'badRequest',
    field: 'model.kind',
    says: /"transformer".*mlp.*cnn.*gpt/,
  },
  {
    what: 'with an unknown codec',
    command: submit('zip', { codec: { up: 'zip' } }),
    exit: badInput,
    code: 'badRequest',
    field: 'codec.up',
    says: /"float32", "float16", "int8"/,
  },
  {
    what: 'with an unknown data set',
    command: submit('cloud', { dataset: 'cloud' }),
    exit: badInput,
    code: 'badRequest',
    field: 'dataset',
    says: /"cloud"/,
  },
  {
    what: 'whose loss does not fit the data',
    command: submit('loss', { loss: 'meanSquaredError' }),
    exit: badInput,
    code: 'badRequest',
    field: 'loss',
    says: /use loss "softmaxCrossEntropy"/,
  },
  {
    what: 'whose output does not fit the loss',
    command: submit('output', { model: { kind: 'layers', topology: denseTopology(7) } }),
    exit: badInput,
    code: 'badRequest',
    field: 'model.topology',
    says: /7.*3|3.*7/,
  },
]);

/** A Keras model of one dense layer from two inputs. */
function denseTopology(units: number): object {
  const config = { name: 'output', units, activation: 'linear', batch_input_shape: [null, 2] };
  return {
    class_name: 'Sequential',
    config: { name: 'model', layers: [{ class_name: 'Dense', config }] },
  };
}

const importing = (name: string, content: string | Uint8Array, ...flags: readonly string[]) => {
  return ({ file }: World) => ['dataset', 'import', name, '--csv', file(`${name}.csv`, content), ...flags];
};

check('a data set', [
  {
    what: 'with a ragged row',
    command: importing('ragged', 'a,b,class\n1,2,x\n1,2\n3,4,y\n', '--target', 'class'),
    exit: badInput,
    code: 'dataInvalid',
    field: 'line 3',
    says: /2.*3|3.*2/,
  },
  {
    what: 'with text in a number column',
    command: importing('texty', 'a,class\n1,x\nmany,y\n', '--target', 'class'),
    exit: badInput,
    code: 'dataInvalid',
    field: 'line 3, column a',
    says: /"many".*--category/,
  },
  {
    what: 'without a row',
    command: importing('empty', 'a,class\n', '--target', 'class'),
    exit: badInput,
    code: 'dataInvalid',
    says: /empty\.csv/,
  },
  {
    what: 'without the column to predict',
    command: importing('targetless', 'a,class\n1,x\n2,y\n', '--target', 'klass'),
    exit: badInput,
    code: 'badRequest',
    field: 'klass',
    says: /its columns are a, class/,
  },
  {
    what: 'that does not exist',
    command: () => ['dataset', 'import', 'gone', '--csv', '/nowhere/gone.csv', '--target', 'a'],
    exit: badInput,
    code: 'notFound',
    says: /\/nowhere\/gone\.csv/,
  },
  {
    what: 'with a text of nothing',
    command: ({ file }) => ['dataset', 'import', 'void', '--text', file('void.txt', '')],
    exit: badInput,
    code: 'dataInvalid',
    says: /void\.txt/,
  },
  {
    what: 'whose IDX file is cut short',
    command({ file }) {
      const images = Uint8Array.from([0, 0, 8, 3, 0, 0, 0, 9, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3]);
      const labels = Uint8Array.from([0, 0, 8, 1, 0, 0, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      const paths = [file('images.idx', images), '--idx-labels', file('labels.idx', labels)];
      return ['dataset', 'import', 'short', '--idx-images', ...paths];
    },
    exit: badInput,
    code: 'dataInvalid',
    says: /images\.idx.*cut short/,
  },
  {
    what: 'of no kind',
    command: () => ['dataset', 'import', 'kindless'],
    exit: badInput,
    code: 'badRequest',
    field: 'dataset',
    says: /--csv, --text, --idx-images, --images/,
  },
]);

check('access', [
  {
    what: 'with a wrong token',
    command: () => ['job', 'list', '--token', 'wrong'],
    exit: badInput,
    code: 'unauthenticated',
    says: /token/,
  },
  {
    what: 'without a token',
    command: () => ['job', 'list'],
    environment: { GRADSWARM_TOKEN: undefined },
    exit: badInput,
    code: 'unauthenticated',
    field: '--token',
    says: /GRADSWARM_TOKEN/,
  },
  {
    what: 'of a worker with a wrong token',
    command: () => ['worker', '--backend', 'cpu', '--token', 'wrong'],
    exit: badInput,
    code: 'unauthenticated',
    says: /token/,
  },
  {
    what: 'to a coordinator that does not run',
    command: () => ['job', 'list', '--url', 'http://127.0.0.1:1'],
    exit: failed,
    code: 'unavailable',
    says: /is the coordinator running\?/,
  },
  {
    what: 'to what is no address',
    command: () => ['worker', '--url', 'somewhere'],
    exit: badInput,
    code: 'badRequest',
    field: '--url',
    says: /must be an http or https address/,
  },
]);

check('a coordinator', [
  {
    what: 'on a port that another program has',
    command: ({ coordinator }) => [
      'coordinator',
      '--data',
      join(coordinator.folder, 'other'),
      '--port',
      new URL(coordinator.url).port,
    ],
    exit: failed,
    code: 'portInUse',
    field: '--port',
    says: /--port/,
  },
  {
    what: 'on a folder that another process uses',
    command: ({ coordinator }) => ['coordinator', '--port', '0', '--data', coordinator.dataFolder],
    exit: failed,
    code: 'dataFolderLocked',
    field: 'data',
    says: /in use by process \d+.*--data/,
  },
  {
    what: 'on a folder of another version',
    command({ coordinator }) {
      const folder = join(coordinator.folder, 'future');
      mkdirSync(folder);
      writeFileSync(join(folder, 'format.json'), JSON.stringify({ format: 99, clusterId: '0'.repeat(32) }));
      return ['coordinator', '--port', '0', '--data', folder];
    },
    exit: failed,
    code: 'dataFolderVersion',
    field: 'data',
    says: /format 99.*--data/,
  },
  {
    what: 'on a port that is no number',
    command: () => ['coordinator', '--port', 'http'],
    exit: badInput,
    code: 'badRequest',
    field: '--port',
    says: /whole number from 0 to 65535/,
  },
  {
    what: 'with an unknown flag',
    command: () => ['coordinator', '--prot', '7077'],
    exit: badInput,
    code: 'badRequest',
    says: /--prot.*Did you mean --port/s,
  },
]);

check('a command', [
  {
    what: 'that does not exist',
    command: () => ['jbo'],
    exit: badInput,
    code: 'badRequest',
    says: /jbo.*Did you mean job/s,
  },
  {
    what: 'without its argument',
    command: () => ['job', 'submit'],
    exit: badInput,
    code: 'badRequest',
    says: /missing required argument 'job'/,
  },
]);

describe('for people', () => {
  it('says field and remedy in one line, and nothing of the code', async () => {
    const { coordinator, job } = world;
    const path = job('words', { codec: { up: 'zip' } });
    const { code, stderr } = await runGradswarm(['job', 'submit', path], coordinator.environment);
    expect(code).toBe(badInput);
    expect(stderr).toBe('error: codec.up must be one of "float32", "float16", "int8", "int4", "sign".\n');
  });

  it('leaves everything as it was', async () => {
    const { coordinator } = world;
    expect((await coordinator.succeed('job', 'list')).lines).toEqual([]);
    expect((await coordinator.succeed('dataset', 'list')).lines).toHaveLength(1);
    expect(coordinator.running.stderr()).toBe('');
  });
});
