import type { Codec } from '../../shared/codec/codec.ts';
import { codecText } from '../../shared/codec/codec-spec.ts';
import { createCodecs } from '../../shared/codec/codecs.ts';
import { createManifest } from '../../shared/tensor/manifest.ts';
import type { JobRecord } from './job-record.ts';

/** A memory of what is made, no state: the same tensors always give the same codecs. */
const made = new WeakMap<JobRecord['tensors'], (text: string) => Codec>();

/** Codecs for the shapes of a job, by their text. @throws GradswarmError (the function) `wrongCodec`. */
export function codecsOf({ tensors }: Pick<JobRecord, 'tensors'>): (text: string) => Codec {
  const known = made.get(tensors);
  if (known !== undefined) return known;
  const codecs = createCodecs(createManifest(tensors));
  made.set(tensors, codecs);
  return codecs;
}

/** The longest payload of an update that the job takes. */
export function updateBytesMax(job: Pick<JobRecord, 'tensors' | 'document'>): number {
  const codecs = codecsOf(job);
  return Math.max(...job.document.codec.up.map((spec) => codecs(codecText(spec)).encodedBytes));
}
