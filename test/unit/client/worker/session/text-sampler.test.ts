import { describe, expect, it } from 'vitest';
import type { UnitRunner } from '../../../../../client/worker/compute/unit-runner.ts';
import { createStatusBoard } from '../../../../../client/worker/session/status-board.ts';
import { createTextSampler, type SampledJob } from '../../../../../client/worker/session/text-sampler.ts';
import type { TokenDataset } from '../../../../../shared/data/dataset-manifest.ts';
import { ManualTimers } from './support/manual-timers.ts';
import { smallDocument } from './support/small-job.ts';

const dataset: TokenDataset = {
  kind: 'tokens',
  name: 'letters',
  title: 'Letters',
  source: 'made here',
  train: { shards: [], count: 0 },
  test: { shards: [], count: 0 },
  vocabularySize: 3,
  tokenizer: { kind: 'characters', characters: ['a', 'b', '\n'] },
};
const held = { version: 7, hash: '', verified: Promise.resolve(true) };

interface Setup {
  readonly prompts: number[][];
  spend(computeMs: number): Promise<void>;
  readonly text: () => string;
  readonly lastError: () => string;
  readonly spentMs: () => number;
}

/** A language model that takes `tokenMs` a token and always says "a". */
function setUp(tokenMs: number, { fails = false, sampleText = true } = {}): Setup {
  const timers = new ManualTimers();
  const board = createStatusBoard(timers, () => {});
  const prompts: number[][] = [];
  let spentMs = 0;
  const runner: Pick<UnitRunner, 'sampleTokens'> = {
    async sampleTokens(prompt, count) {
      if (fails) throw new Error('no');
      prompts.push([...prompt]);
      spentMs += count * tokenMs;
      timers.advance(count * tokenMs);
      return Array.from({ length: count }, () => 0);
    },
  };
  const model = { kind: 'gpt', layers: 1, heads: 1, width: 4, context: 8 } as const;
  const job: SampledJob = {
    jobId: 'letters',
    document: { ...smallDocument, model },
    dataset,
    runnerWith: async () => runner,
  };
  const identity = { token: '', name: '', home: 'node', jobId: '', sampleText } as const;
  const sampler = createTextSampler({ identity, board, timers });
  return {
    prompts,
    spend: (computeMs) => sampler.spend(job, held, computeMs),
    text: () => board.current.sampledText,
    lastError: () => board.current.lastError,
    spentMs: () => spentMs,
  };
}

describe('createTextSampler', () => {
  it.each([0.5, 3, 40, 700])('spends at most a tenth of the time, at %d ms a token', async (tokenMs) => {
    const { spend, spentMs } = setUp(tokenMs);
    for (let unit = 1; unit <= 400; unit++) {
      await spend(100);
      expect(spentMs()).toBeLessThanOrEqual(unit * 10 + tokenMs);
    }
    expect(spentMs()).toBeGreaterThan(0);
  });

  it('writes a text of 160 characters from a line break on, and then another', async () => {
    const { spend, text, prompts } = setUp(1);
    for (let unit = 0; unit < 20; unit++) await spend(100);
    expect(text()).toBe('a'.repeat(160));
    expect(prompts.filter((prompt) => prompt.length === 1 && prompt[0] === 2).length).toBeGreaterThan(1);
  });

  it('gives up on a model that cannot write, and says so once', async () => {
    const { spend, lastError } = setUp(1, { fails: true });
    await spend(100);
    expect(lastError()).toBe('No text can be drawn from this model: no');
  });

  it('does nothing unless asked to', async () => {
    const { spend, spentMs } = setUp(1, { sampleText: false });
    await spend(100_000);
    expect(spentMs()).toBe(0);
  });
});
