import { GradswarmError } from '../../../../shared/base/errors.ts';
import { limits } from '../../../../shared/base/limits.ts';

/**
 * What two neighbours tell one another to connect: the one that sends in the ring offers, the one that receives answers.
 * In a ring of two there are two connections between them, so a candidate says which side of its connection it is of.
 */
export type PeerSignal =
  | { readonly kind: 'offer' | 'answer'; readonly sdp: string }
  | {
      readonly kind: 'candidate';
      readonly of: 'offer' | 'answer';
      readonly candidate: string;
      readonly sdpMid: string;
    };

/** As JSON, in the fields of `PeerSignal`. */
export function formatSignal(signal: PeerSignal): string {
  return JSON.stringify(signal);
}

/** @throws GradswarmError `tooLarge`, or `badRequest` for what is no signal. */
export function parseSignal(text: string): PeerSignal {
  if (text.length > limits.ringSignalBytesMax) {
    throw new GradswarmError(
      'tooLarge',
      `A signal has ${limits.ringSignalBytesMax} characters at most.`,
      'text',
    );
  }
  const { kind, sdp, of, candidate, sdpMid } = parseObject(text);
  if (kind === 'offer' || kind === 'answer') {
    if (typeof sdp === 'string' && sdp.startsWith('v=0')) return { kind, sdp };
    throw malformed(`its ${kind} holds no session description`);
  }
  if (kind !== 'candidate') throw malformed('it is neither offer, answer nor candidate');
  if (of !== 'offer' && of !== 'answer') throw malformed('the candidate is of neither side');
  if (typeof candidate !== 'string' || !candidatePattern.test(candidate))
    throw malformed('the candidate is none');
  if (typeof sdpMid !== 'string' || sdpMid.length > sdpMidCharactersMax)
    throw malformed('"sdpMid" is no short text');
  return { kind, of, candidate, sdpMid };
}

const candidatePattern = /^candidate:[ -~]{1,500}$/;
const sdpMidCharactersMax = 16;

function parseObject(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw malformed('it is not JSON');
  }
  if (typeof value === 'object' && value !== null) return value as Readonly<Record<string, unknown>>;
  throw malformed('it is no object');
}

function malformed(why: string): GradswarmError {
  return new GradswarmError('badRequest', `A signal of a neighbour was refused: ${why}.`, 'text');
}
