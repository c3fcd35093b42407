import type { CodecKind } from '../../shared/codec/codec-spec.ts';
import { formatBytes } from '../web/format.ts';
import type { WorkerStatus } from '../worker/session/status.ts';

const words: Readonly<Record<CodecKind, string>> = {
  float32: 'every value in full',
  float16: 'every value at half precision',
  int8: 'every value in 8 bits',
  int4: 'every value in 4 bits',
  sign: 'only whether each value should rise or fall',
  topk: 'only the largest values',
  randomk: 'a random choice of the values',
  powersgd: 'the broad outline of each matrix',
  demo: 'only the strongest patterns',
};

const isKind = (kind: string): kind is CodecKind => Object.hasOwn(words, kind);

/** What an update of this worker is on the wire, for people; empty before the first. */
export function sendingText({
  codec,
  updateBytes,
  updateValues,
}: Pick<WorkerStatus, 'codec' | 'updateBytes' | 'updateValues'>): string {
  const [kind = ''] = codec.split('/');
  if (updateBytes === 0 || !isKind(kind)) return '';
  const inFull = updateValues * Float32Array.BYTES_PER_ELEMENT;
  const sent = `Each update is sent as ${formatBytes(updateBytes)}: ${words[kind]}.`;
  return updateBytes < inFull ? `${sent} In full it would be ${formatBytes(inFull)}.` : sent;
}
