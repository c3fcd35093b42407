import { hashText } from '../../../shared/base/random.ts';
import type { TokenDataset } from '../../../shared/data/dataset-manifest.ts';
import { createTokenizer, type Tokenizer } from '../../../shared/data/tokenizer.ts';
import type { Timers } from '../../../shared/protocol/timers.ts';
import type { UnitRunner } from '../compute/unit-runner.ts';
import type { JobContext } from './job-context.ts';
import type { HeldParameters } from './parameter-follower.ts';
import type { WorkerIdentity } from './ports.ts';
import { messageOf } from './refusal.ts';
import type { StatusBoard } from './status-board.ts';

/** Share of the compute time that may go into text. */
const timeShare = 0.1;
const charactersMax = 160;
const temperature = 0.8;
/** Credit is capped, so that a long pause is not followed by a long draw. */
const creditMsMax = 2_000;

const lineBreakByte = 10;

/** A job as far as drawing needs it. */
export interface SampledJob extends Pick<JobContext, 'jobId' | 'document' | 'dataset'> {
  runnerWith(held: HeldParameters): Promise<Pick<UnitRunner, 'sampleTokens'>>;
}

/** Draws text from language models between units, for people to see what the model has learnt. */
export interface TextSampler {
  /** A unit took `computeMs`: some of the time saved up may be spent now. Never throws. */
  spend(job: SampledJob, held: HeldParameters, computeMs: number): Promise<void>;
}

export interface TextSamplerParts {
  readonly identity: Pick<WorkerIdentity, 'sampleText'>;
  readonly board: StatusBoard;
  readonly timers: Timers;
}

interface Draft {
  readonly job: SampledJob;
  readonly tokenizer: Tokenizer;
  readonly tokens: number[];
}

export function createTextSampler({ identity, board, timers }: TextSamplerParts): TextSampler {
  let enabled = identity.sampleText;
  let creditMs = 0;
  let tokenMs = 0;
  let draft: Draft | undefined;

  const draw = async (job: SampledJob, dataset: TokenDataset, held: HeldParameters): Promise<void> => {
    if (draft?.job !== job) draft = { job, tokenizer: createTokenizer(dataset.tokenizer), tokens: [] };
    const { tokenizer, tokens } = draft;
    const count = tokenMs > 0 ? Math.min(charactersMax, Math.max(1, Math.floor(creditMs / tokenMs))) : 1;
    const prompt = tokens.length > 0 ? tokens : [lineBreakToken(dataset)];
    const seed = hashText(`${job.jobId} ${held.version} ${tokens.length}`);
    const startedAtMs = timers.nowMs();
    const runner = await job.runnerWith(held);
    tokens.push(...(await runner.sampleTokens(prompt, count, { temperature, seed })));
    const spentMs = timers.nowMs() - startedAtMs;
    creditMs -= spentMs;
    tokenMs = spentMs / count;
    const text = tokenizer.decode(tokens);
    const complete = text.length >= charactersMax;
    // A finished text stays in view until the next one is finished.
    if (complete || board.current.sampledText.length < charactersMax) {
      board.update({ sampledText: text.slice(0, charactersMax) });
    }
    if (complete) draft = undefined;
  };

  return {
    async spend(job, held, computeMs) {
      const { dataset, document } = job;
      if (!enabled || document.model.kind !== 'gpt' || dataset.kind !== 'tokens') return;
      creditMs = Math.min(creditMsMax, creditMs + computeMs * timeShare);
      if (creditMs <= 0 || creditMs < tokenMs) return;
      try {
        await draw(job, dataset, held);
      } catch (error) {
        enabled = false;
        board.update({ lastError: `No text can be drawn from this model: ${messageOf(error)}` });
      }
    },
  };
}

/** Where a text may begin; any token where the data set has no line breaks. */
function lineBreakToken({ tokenizer }: TokenDataset): number {
  return tokenizer.kind === 'characters' ? Math.max(0, tokenizer.characters.indexOf('\n')) : lineBreakByte;
}
