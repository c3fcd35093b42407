import { GradswarmError } from '../../shared/base/errors.ts';
import { limits } from '../../shared/base/limits.ts';
import { codecText } from '../../shared/codec/codec-spec.ts';
import type { JobDocument } from '../../shared/job/job-document.ts';
import { parseJobDocument } from '../../shared/job/parse-job-document.ts';
import { firstPlan, type RoundPlan } from '../../shared/sync/round-plan.ts';

/** What an admin may change of a running job. */
interface PlanRequest {
  readonly strategy?: unknown;
  readonly localSteps?: unknown;
  readonly codec?: unknown;
}

/**
 * What the job's rounds shall be run by: `text` is a strategy as in a job document, or an object with some of `strategy`,
 * `localSteps` (a number) and `codec` (one of the job's); what it does not name stays.
 * @throws GradswarmError `badRequest` with the field.
 */
export function readRoundPlan(document: JobDocument, plan: RoundPlan, text: string): RoundPlan {
  const request = readRequest(text);
  const { localSteps, codec } = request;
  if (localSteps !== undefined && document.localSteps === undefined) {
    throw refusal('The job makes no local steps, so their number cannot be changed.', 'localSteps');
  }
  const checked = parseJobDocument({
    ...document,
    ...(request.strategy === undefined ? {} : { strategy: request.strategy }),
    ...(localSteps === undefined ? {} : { localSteps: { ...document.localSteps, steps: localSteps } }),
  });
  const chosen = request.strategy === undefined ? plan : firstPlan(checked.strategy);
  const steps = localSteps === undefined ? plan.localSteps : checked.localSteps?.steps;
  const asked = codec === undefined ? plan.codec : readCodec(document, codec);
  return {
    strategy: chosen.strategy,
    ...(chosen.adaptive === undefined ? {} : { adaptive: chosen.adaptive }),
    ...(steps === undefined ? {} : { localSteps: steps }),
    ...(asked === undefined ? {} : { codec: asked }),
  };
}

function readRequest(text: string): PlanRequest {
  if (text.length > limits.jobDocumentBytesMax)
    throw new GradswarmError('tooLarge', 'The document is too long.');
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw refusal(`The strategy is no JSON: ${error instanceof Error ? error.message : String(error)}.`);
  }
  if (typeof parsed !== 'object' || parsed === null) throw refusal('The strategy must be an object.');
  if ('kind' in parsed) return { strategy: parsed };
  const known = ['strategy', 'localSteps', 'codec'];
  const unknown = Object.keys(parsed).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw refusal(
      `${unknown} cannot be changed while a job runs; known here are ${known.join(', ')}.`,
      unknown,
    );
  }
  if (Object.keys(parsed).length === 0) throw refusal(`Give at least one of ${known.join(', ')}.`);
  return parsed;
}

function readCodec({ codec }: JobDocument, asked: unknown): string {
  const allowed = codec.up.map(codecText);
  if (typeof asked === 'string' && allowed.includes(asked)) return asked;
  throw refusal(`codec must be one of ${allowed.join(', ')}, but is ${JSON.stringify(asked)}.`, 'codec');
}

function refusal(message: string, field?: string): GradswarmError {
  return new GradswarmError('badRequest', message, field);
}
