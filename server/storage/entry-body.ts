import { assert } from '../../shared/base/assert.ts';
import type { ClusterConfiguration } from '../raft/cluster-configuration.ts';
import type { EntryBody } from '../raft/entry.ts';

/**
 * An entry's payload: empty for a marker; for a command `u16` bytes of the client id, `f64` sequence, client id,
 * command. A command's client id is never empty, so a `u16` of zero marks a configuration, which follows as JSON.
 */
const commandHeaderBytes = 10;
const configurationHeaderBytes = 2;
const noPayload = new Uint8Array();
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function encodeEntryBody(body: EntryBody): Uint8Array {
  if (body.kind === 'noop') return noPayload;
  if (body.kind === 'configuration') {
    const text = encoder.encode(JSON.stringify(body.configuration));
    const payload = new Uint8Array(configurationHeaderBytes + text.length);
    payload.set(text, configurationHeaderBytes);
    return payload;
  }
  const { clientId, sequence } = body.proposal;
  const clientBytes = Buffer.byteLength(clientId);
  assert(clientBytes > 0, 'a command names its client');
  const payload = new Uint8Array(commandHeaderBytes + clientBytes + body.bytes.length);
  const view = new DataView(payload.buffer);
  view.setUint16(0, clientBytes, true);
  view.setFloat64(2, sequence, true);
  encoder.encodeInto(clientId, payload.subarray(commandHeaderBytes));
  payload.set(body.bytes, commandHeaderBytes + clientBytes);
  return payload;
}

/** `payload` came from `encodeEntryBody` and passed its checksum; a command's bytes are a view of it. */
export function decodeEntryBody(payload: Uint8Array): EntryBody {
  if (payload.length === 0) return { kind: 'noop' };
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const clientBytes = view.getUint16(0, true);
  if (clientBytes === 0) {
    const text = decoder.decode(payload.subarray(configurationHeaderBytes));
    return { kind: 'configuration', configuration: JSON.parse(text) as ClusterConfiguration };
  }
  const commandStart = commandHeaderBytes + clientBytes;
  assert(commandStart <= payload.length, 'an entry that passed its checksum holds its client id');
  const clientId = shared(decoder.decode(payload.subarray(commandHeaderBytes, commandStart)));
  const proposal = { clientId, sequence: view.getFloat64(2, true) };
  return { kind: 'command', proposal, bytes: payload.subarray(commandStart) };
}

let latestClientId = '';

/** Most entries in a row are of one client: they share its name, of which a long log would hold a million otherwise. */
function shared(clientId: string): string {
  if (clientId !== latestClientId) latestClientId = clientId;
  return latestClientId;
}
