import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import { EtcdError } from './etcd-error.ts';
import type { EtcdGateway } from './gateway.ts';
import { asObject, compareCreateRevision, getKey, put, readTransaction } from './gateway-messages.ts';
import type { EtcdKeys } from './keys.ts';
import { pause } from './pause.ts';

const format = 1;
const majorMin = 3;
const minorMin = 4;

/**
 * The cluster whose log is below the prefix; `candidate` when nothing is there yet. Waits for an etcd that is about to
 * start, for a limited time.
 * @throws GradswarmError `unavailable`, `unsupportedProtocol`, `unauthenticated`, `forbidden`, `dataFolderVersion`.
 */
export async function claimPrefix(
  gateway: EtcdGateway,
  keys: EtcdKeys,
  candidate: string,
  timeoutMs: number = limits.etcdStartTimeoutMs,
): Promise<string> {
  const signal = AbortSignal.timeout(timeoutMs);
  let failure = `etcd did not answer within ${timeoutMs} ms.`;
  while (!signal.aborted) {
    try {
      await checkVersion(gateway, signal);
      return await readOrClaim(gateway, keys, candidate, signal);
    } catch (error) {
      if (!(error instanceof EtcdError) || error.reason !== 'unreachable') throw error;
      if (!signal.aborted) failure = error.message;
      await pause(limits.etcdRetryDelayMs, signal);
    }
  }
  throw new EtcdError(
    'unreachable',
    `${failure} Start etcd, or correct the addresses that the coordinator is given.`,
  );
}

async function checkVersion(gateway: EtcdGateway, signal: AbortSignal): Promise<void> {
  const answer = await gateway.call('/version', undefined, { signal });
  const version = String(answer['etcdserver'] ?? '');
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > majorMin || (major === majorMin && minor >= minorMin)) return;
  throw new EtcdError(
    'unsupported',
    version === ''
      ? `${gateway.endpoint} does not answer as etcd does. Correct the address of etcd.`
      : `etcd at ${gateway.endpoint} is version ${version}; gradswarm needs ${majorMin}.${minorMin} or newer. ` +
          'Upgrade etcd to a supported release.',
  );
}

async function readOrClaim(
  gateway: EtcdGateway,
  keys: EtcdKeys,
  candidate: string,
  signal: AbortSignal,
): Promise<string> {
  const request = {
    compare: [compareCreateRevision(keys.cluster, 0)],
    success: [put(keys.cluster, JSON.stringify({ format, clusterId: candidate })), put(keys.head, '0')],
    failure: [getKey(keys.cluster)],
  };
  const answer = readTransaction(await gateway.call('/v3/kv/txn', request, { signal }));
  if (answer.succeeded) return candidate;
  const stored = readClaim(answer.ranges[0]?.pairs[0]?.value ?? new Uint8Array());
  if (stored['format'] === format && typeof stored['clusterId'] === 'string') return stored['clusterId'];
  throw new GradswarmError(
    'dataFolderVersion',
    `${keys.cluster} in etcd was written by another version of gradswarm, or by another program; use another prefix.`,
  );
}

function readClaim(value: Uint8Array): { readonly [name: string]: unknown } {
  try {
    return asObject(JSON.parse(new TextDecoder().decode(value)));
  } catch {
    return {};
  }
}
