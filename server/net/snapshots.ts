import type { BlobHash, JobId } from '../../shared/base/ids.ts';
import type { Checksum } from '../../shared/protocol/checksum.ts';
import { encodeReply } from '../../shared/protocol/replies.ts';
import type { EncodedReply } from '../../shared/protocol/rpc-handlers.ts';
import { workerService } from '../../shared/protocol/services.ts';

export interface Snapshots {
  /** The job's published vector, encoded; shared by all who ask before it is forgotten. */
  get(jobId: JobId): Promise<EncodedReply>;
  /** A newer version exists, or the job is over. */
  forget(jobId: JobId): void;
}

type TakeSnapshot = (
  jobId: JobId,
) => Promise<{ readonly version: number; readonly parametersHash: BlobHash; readonly bytes: Uint8Array }>;

/** Many workers that join at once cost one copy of the parameters. */
export function createSnapshots(take: TakeSnapshot, checksum: Checksum): Snapshots {
  const held = new Map<JobId, Promise<EncodedReply>>();

  const encode = async (jobId: JobId): Promise<EncodedReply> => {
    const { version, parametersHash, bytes } = await take(jobId);
    const reply = { message: { version, parametersHash }, payload: bytes };
    return encodeReply(workerService.method.getParameters.output, reply, checksum);
  };

  return {
    get(jobId) {
      const known = held.get(jobId);
      if (known) return known;
      const snapshot = encode(jobId);
      held.set(jobId, snapshot);
      snapshot.catch(() => {
        if (held.get(jobId) === snapshot) held.delete(jobId);
      });
      return snapshot;
    },
    forget: (jobId) => {
      held.delete(jobId);
    },
  };
}
