import { assert } from '../base/assert.ts';
import type { CodecKind, CodecSpec } from '../codec/codec-spec.ts';
import type { JobDocument } from './job-document.ts';

/** Kinds without parameters may be written as their bare name. */
type Bare = { readonly [Kind in CodecKind]: CodecSpec & { readonly kind: Kind } }[
  | 'float32'
  | 'float16'
  | 'int8'
  | 'int4'
  | 'sign']['kind'];

type AuthoredSpec = CodecSpec | Bare;

export interface AuthoredCodec {
  readonly up?: AuthoredSpec | readonly AuthoredSpec[];
  readonly down?: AuthoredSpec;
}

const completeSpec = (spec: AuthoredSpec): CodecSpec => (typeof spec === 'string' ? { kind: spec } : spec);

function isList(up: AuthoredSpec | readonly AuthoredSpec[]): up is readonly AuthoredSpec[] {
  return Array.isArray(up);
}

export function completeCodec({
  up = 'float32',
  down = 'float32',
}: AuthoredCodec = {}): JobDocument['codec'] {
  return { up: (isList(up) ? up : [up]).map(completeSpec), down: completeSpec(down) };
}

/** What a worker uses unless it has a reason to choose another one. */
export function defaultCodec({ codec }: Pick<JobDocument, 'codec'>): CodecSpec {
  const [first] = codec.up;
  assert(first !== undefined, 'a job names a codec for updates');
  return first;
}
