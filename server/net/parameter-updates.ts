import type { Checksum } from '../../shared/protocol/checksum.ts';
import { encodeReply } from '../../shared/protocol/replies.ts';
import type { EncodedReply } from '../../shared/protocol/rpc-handlers.ts';
import { workerService } from '../../shared/protocol/services.ts';
import type { Effect } from '../core/events.ts';

export interface EncodedUpdate {
  readonly update: EncodedReply;
  /** Names the version without bringing it: a worker that holds another fetches a snapshot. */
  readonly resync: EncodedReply;
}

/** One committed version for all who watch. Without its delta, everyone is told to fetch a snapshot. */
export function encodeUpdate(
  effect: Extract<Effect, { kind: 'publishUpdate' }>,
  codec: string,
  delta: Uint8Array | undefined,
  checksum: Checksum,
): EncodedUpdate {
  const { jobId, baseVersion, version, parametersHash, progress } = effect;
  const schema = workerService.method.watchParameters.output;
  const message = { jobId, version, parametersHash, progress };
  const resync = encodeReply(schema, { message: { ...message, baseVersion: version } }, checksum);
  if (!delta) return { update: resync, resync };
  const reply = { message: { ...message, baseVersion, codec }, payload: delta };
  return { update: encodeReply(schema, reply, checksum), resync };
}
