import { assert } from '../../../shared/base/assert.ts';
import type { ProposalId } from '../../raft/entry.ts';
import type { LogItem } from '../../runtime/ports.ts';
import type { LogEntry } from '../segment-log/record.ts';

/** An entry's payload: empty for a marker, else `u16` bytes of the client id, `f64` sequence, client id, command. */
const commandHeaderBytes = 10;

export function encodeCommand(command: Uint8Array, { clientId, sequence }: ProposalId): Uint8Array {
  const client = new TextEncoder().encode(clientId);
  const payload = new Uint8Array(commandHeaderBytes + client.length + command.length);
  const view = new DataView(payload.buffer);
  view.setUint16(0, client.length, true);
  view.setFloat64(2, sequence, true);
  payload.set(client, commandHeaderBytes);
  payload.set(command, commandHeaderBytes + client.length);
  return payload;
}

export function decodeItem({ index, term: epoch, payload }: LogEntry): LogItem {
  if (payload.length === 0) return { kind: 'noop', index, epoch };
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const commandStart = commandHeaderBytes + view.getUint16(0, true);
  assert(commandStart <= payload.length, `entry ${index} passed its checksum and holds its client id`);
  const clientId = new TextDecoder().decode(payload.subarray(commandHeaderBytes, commandStart));
  const proposal = { clientId, sequence: view.getFloat64(2, true) };
  return { kind: 'command', index, epoch, bytes: payload.subarray(commandStart), proposal };
}
