import { createHmac, timingSafeEqual } from 'node:crypto';
import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';
import type { Link } from '../../../shared/protocol/link.ts';
import { closeCodeOf, closeReasonOf } from '../../../shared/protocol/status.ts';
import { malformed } from './wire-numbers.ts';

const nameBytes = 24;
const tagBytes = 16;
/** A multiple of 8, so that what follows stays aligned. */
export const sealBytes = nameBytes + tagBytes;

/** One direction of a connection. */
export interface SealOptions {
  /** Of the sender: 32 and 16 hexadecimal digits. */
  readonly clusterId: string;
  readonly incarnation: string;
  readonly key: Uint8Array;
}

/**
 * A frame is `[cluster id, 16 bytes][sender's incarnation, 8 bytes][tag, 16 bytes][body]`. The tag is the beginning of
 * HMAC-SHA-256 over the number of frames sent before (8 bytes, little-endian), the 24 bytes, and the body: a frame that
 * was altered, repeated, left out or slipped in ends the connection.
 */
class Seal {
  private readonly name: Buffer;
  /** The count, and behind it the name: what a tag begins with. */
  private readonly prefix = Buffer.alloc(8 + nameBytes);
  private readonly key: Uint8Array;
  private count = 0n;

  constructor({ clusterId, incarnation, key }: SealOptions) {
    this.name = Buffer.from(clusterId + incarnation, 'hex');
    this.prefix.set(this.name, 8);
    this.key = key;
  }

  close(body: Uint8Array): Uint8Array {
    const frame = new Uint8Array(sealBytes + body.length);
    frame.set(this.name);
    frame.set(this.nextTag(body), nameBytes);
    frame.set(body, sealBytes);
    return frame;
  }

  /** A view of the body. @throws GradswarmError `malformedFrame` or `tooLarge`. */
  open(frame: Uint8Array): Uint8Array {
    if (frame.length > limits.peerFrameBytesMax) {
      throw new GradswarmError(
        'tooLarge',
        `a frame of ${frame.length} bytes; at most ${limits.peerFrameBytesMax}`,
      );
    }
    if (frame.length < sealBytes) throw malformed(`${frame.length} bytes cannot hold a seal`);
    if (!this.name.equals(frame.subarray(0, nameBytes))) {
      throw malformed('a frame of another cluster or another incarnation');
    }
    const body = frame.subarray(sealBytes);
    if (!timingSafeEqual(frame.subarray(nameBytes, sealBytes), this.nextTag(body))) {
      throw malformed('the seal of a frame is broken');
    }
    return body;
  }

  private nextTag(body: Uint8Array): Uint8Array {
    this.prefix.writeBigUInt64LE(this.count++);
    const mac = createHmac('sha256', this.key).update(this.prefix).update(body);
    return mac.digest().subarray(0, tagBytes);
  }
}

/** The link belongs to the sealed one from now on: only what the peer sealed comes out of it. */
export function sealLink(link: Link, own: SealOptions, peers: SealOptions): Link {
  const outgoing = new Seal(own);
  const incoming = new Seal(peers);
  let isBroken = false;
  const sealed: Link = {
    send: (body) => link.send(outgoing.close(body)),
    get bufferedBytes() {
      return link.bufferedBytes;
    },
    close: (code, reason) => link.close(code, reason),
    onMessage: undefined,
    onClose: undefined,
  };
  link.onMessage = (frame) => {
    if (isBroken) return;
    let body: Uint8Array;
    try {
      body = incoming.open(frame);
    } catch (error) {
      isBroken = true;
      const failure = error instanceof GradswarmError ? error : malformed(String(error));
      link.close(closeCodeOf(failure.code), closeReasonOf(failure));
      return;
    }
    sealed.onMessage?.(body);
  };
  link.onClose = (code, reason) => sealed.onClose?.(code, reason);
  return sealed;
}
