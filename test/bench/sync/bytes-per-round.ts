import { type CodecSpec, codecText } from '../../../shared/codec/codec-spec.ts';
import { completeJobDocument } from '../../../shared/job/complete-job-document.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';
import type { Figure } from '../figure.ts';
import { type Grid, openGrid, openGridJob } from '../grid.ts';

/** 784 inputs and ten classes: 10,000,510 parameters. */
const hidden = 12_580;
const parameters = 10_000_000;
const rounds = 3;

const codecs: readonly (readonly [up: CodecSpec, down: CodecSpec])[] = [
  [{ kind: 'float32' }, { kind: 'float32' }],
  [{ kind: 'int8' }, { kind: 'int8' }],
  [{ kind: 'int4' }, { kind: 'int4' }],
  [
    { kind: 'topk', k: 64, valueBits: 2 },
    { kind: 'topk', k: 256, valueBits: 4 },
  ],
];

/** What a real worker sends and receives for a round with one unit, frames, leases and heartbeats included. */
export async function bytesPerRoundFigures(report: (figure: Figure) => void): Promise<void> {
  const grid = await openGrid('mnist');
  try {
    for (const [up, down] of codecs) await measure(grid, up, down, report);
  } finally {
    await grid.close();
  }
}

async function measure(
  grid: Grid,
  up: CodecSpec,
  down: CodecSpec,
  report: (figure: Figure) => void,
): Promise<void> {
  const { hostname, port } = new URL(grid.url);
  const proxy = await TcpProxy.open({ target: { host: hostname, port: Number(port) }, seed: 1 });
  const names = `${codecText(up)} up, ${codecText(down)} down`;
  const job = await openGridJob(
    { ...grid, url: `http://127.0.0.1:${proxy.port}/` },
    completeJobDocument({
      name: `bytes-${codecs.findIndex(([first]) => first === up)}`,
      model: { kind: 'mlp', hidden: [hidden] },
      dataset: 'mnist',
      loss: 'softmaxCrossEntropy',
      optimizer: { kind: 'sgd', learningRate: 0.001 },
      unitsPerRound: 1,
      batchSize: 8,
      codec: { up, down },
      stop: { rounds: 1_000_000 },
      evaluation: { samplesMax: 0 },
    }),
    1,
  );
  const [sent, received] = await job.train(async (nextCommit) => {
    const first = await nextCommit();
    const before = [proxy.deliveredBytes('toTarget'), proxy.deliveredBytes('toSource')] as const;
    let last = first;
    while (last.round < first.round + rounds) last = await nextCommit();
    const made = last.round - first.round;
    return [
      (proxy.deliveredBytes('toTarget') - before[0]) / made,
      (proxy.deliveredBytes('toSource') - before[1]) / made,
    ] as const;
  });
  await job.close();
  await proxy.close();
  const conditions = `mlp of ${parameters / 1e6}M parameters, ${names}, on the socket`;
  const tell = (figure: string, bytes: number): void => {
    report({
      suite: 'sync',
      figure: `${figure}, ${names}`,
      value: bytes / 1e6,
      unit: 'MB',
      runs: [bytes / 1e6],
      conditions,
    });
    const raw = (4 * parameters) / bytes;
    report({
      suite: 'sync',
      figure: `raw float32 over it`,
      value: raw,
      unit: 'ratio',
      runs: [raw],
      conditions,
    });
  };
  tell('sent for a round', sent);
  tell('received for a round', received);
}
