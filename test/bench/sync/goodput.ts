import { completeJobDocument } from '../../../shared/job/complete-job-document.ts';
import { openThrottledUplink } from '../../support/throttled-uplink.ts';
import { type Figure, median } from '../figure.ts';
import { type Grid, type GridJob, openGrid, openGridJob } from '../grid.ts';

const bytesPerSecond = 5_000_000 / 8;
/** A single one is off by a twentieth either way. */
const turns = 9;
/** 784 inputs and ten classes: 636,010 parameters. */
const hidden = 800;

/** Samples a second of one worker behind an uplink of 5 Mbit/s over those of one without limit, round for round in turn. */
export async function goodputFigures(report: (figure: Figure) => void): Promise<void> {
  const grid = await openGrid('mnist');
  const uplink = await openThrottledUplink(grid.url);
  uplink.throttle(bytesPerSecond);
  try {
    const free = await openJob(grid, 'free');
    const shaped = await openJob({ ...grid, url: uplink.url }, 'shaped');
    const ratios: number[] = [];
    for (let turn = 0; turn < turns; turn++) {
      const freeSpeed = await roundSpeed(free);
      ratios.push((await roundSpeed(shaped)) / freeSpeed);
    }
    report({
      suite: 'sync',
      figure: 'goodput behind 5 Mbit/s over unshaped, topk and local steps',
      value: median(ratios),
      unit: 'ratio',
      target: { kind: 'atLeast', value: 0.97 },
      runs: ratios,
      conditions: 'mlp of 0.6M parameters, topk/64/2, H = 30, 8 units a round, one wasm worker',
    });
    await Promise.all([free.close(), shaped.close()]);
  } finally {
    await uplink.close();
    await grid.close();
  }
}

/** Of one whole round. */
function roundSpeed(job: GridJob): Promise<number> {
  return job.train(async (nextCommit) => {
    const first = await nextCommit();
    const last = await nextCommit();
    return ((last.samples - first.samples) / (last.atMs - first.atMs)) * 1_000;
  });
}

function openJob(grid: Grid, name: string): Promise<GridJob> {
  const document = completeJobDocument({
    name,
    model: { kind: 'mlp', hidden: [hidden] },
    dataset: 'mnist',
    loss: 'softmaxCrossEntropy',
    optimizer: { kind: 'nesterov', learningRate: 0.7, momentum: 0.9 },
    localSteps: { steps: 30, optimizer: { kind: 'adamw', learningRate: 0.0005 } },
    unitsPerRound: 8,
    batchSize: 32,
    codec: { up: { kind: 'topk', k: 64, valueBits: 2 }, down: { kind: 'int8' } },
    stop: { rounds: 1_000_000 },
    evaluation: { samplesMax: 0 },
  });
  return openGridJob(grid, document, 1);
}
