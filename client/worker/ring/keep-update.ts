import { createCodecs } from '../../../shared/codec/codecs.ts';
import type { Contribution } from '../session/coordinator.ts';
import type { JobContext } from '../session/job-context.ts';
import type { RingDesk } from './ring-desk.ts';

const noPayload = new Uint8Array(0);
/** As the strategy weighs every unit of a ring. */
const weight = 1;

/**
 * Hands in the header of a contribution and keeps its update: decoded and added as the coordinator would have done it.
 * @throws GradswarmError the refusal.
 */
export async function keepUpdate(
  rings: RingDesk,
  contribution: Contribution,
  { manifest }: JobContext,
  contribute: (contribution: Contribution) => Promise<void>,
): Promise<void> {
  const { lease, payload, codec: text } = contribution;
  const { jobId, epoch, ringId, unit, seed } = lease;
  const codec = createCodecs(manifest)(text);
  const norm = Math.sqrt(codec.squaredNorm(payload, seed));
  await rings.hold(
    { jobId, epoch, ringId, unit, length: manifest.length },
    () => contribute({ ...contribution, payload: noPayload, ringId, norm }),
    (sum) => codec.decodeAndAccumulate(payload, seed, sum, weight),
  );
}
