import type { Socket } from 'node:net';
import type { Random } from '../../shared/base/random.ts';

/** What goes wrong with bytes that travel in one direction. */
export interface PipeFaults {
  readonly latencyMs: number;
  /** Up to so much more, drawn for every piece; bytes keep their order. */
  readonly jitterMs: number;
  /** No limit when undefined. */
  readonly bytesPerSecond: number | undefined;
  /** Nothing comes through, not even the end of the connection; it comes when this is over. */
  readonly isStalled: boolean;
}

export const noPipeFaults: PipeFaults = {
  latencyMs: 0,
  jitterMs: 0,
  bytesPerSecond: undefined,
  isStalled: false,
};

type Piece =
  | { readonly kind: 'bytes'; readonly dueMs: number; readonly bytes: Buffer }
  | { readonly kind: 'end' | 'reset'; readonly dueMs: number };

/** Bytes that a pipe holds before it stops to read; its sender then feels the pressure, as of any slow network. */
export const pipeBytesMax = 256 * 1024;
/** A slow pipe delivers at least so many pieces a second. */
const piecesPerSecond = 50;
const pieceBytesMax = 16 * 1024;

/** Carries what `source` sends to `target`, late, slowly, or not now. */
export class TcpPipe {
  #faults: PipeFaults;
  readonly #source: Socket;
  readonly #target: Socket;
  readonly #random: Random;
  readonly #waiting: Piece[] = [];
  #waitingBytes = 0;
  /** When the last piece that was queued is due; a later one is not due before. */
  #lastDueMs = 0;
  /** When the bandwidth allows for the next piece. */
  #freeMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #deliveredBytes = 0;

  constructor(source: Socket, target: Socket, faults: PipeFaults, random: Random) {
    this.#source = source;
    this.#target = target;
    this.#faults = faults;
    this.#random = random;
    source.on('data', (bytes: Buffer) => this.#takeBytes(bytes));
    source.on('end', () => this.#take({ kind: 'end', dueMs: this.#dueMs() }));
    source.on('error', () => this.#take({ kind: 'reset', dueMs: this.#dueMs() }));
    target.on('drain', () => this.#pump());
  }

  set faults(faults: PipeFaults) {
    this.#faults = faults;
    this.#pump();
  }

  get heldBytes(): number {
    return this.#waitingBytes;
  }

  get deliveredBytes(): number {
    return this.#deliveredBytes;
  }

  /** Whatever it still holds is lost. */
  close(): void {
    this.#isClosed = true;
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
    clearTimeout(this.#timer);
  }

  #takeBytes(bytes: Buffer): void {
    const dueMs = this.#dueMs();
    const { bytesPerSecond = Number.POSITIVE_INFINITY } = this.#faults;
    const pieceBytes = Math.max(1, Math.min(pieceBytesMax, Math.floor(bytesPerSecond / piecesPerSecond)));
    for (let start = 0; start < bytes.length; start += pieceBytes) {
      this.#take({ kind: 'bytes', dueMs, bytes: bytes.subarray(start, start + pieceBytes) });
    }
  }

  #take(piece: Piece): void {
    if (this.#isClosed) return;
    this.#waiting.push(piece);
    if (piece.kind === 'bytes') this.#waitingBytes += piece.bytes.length;
    if (this.#waitingBytes >= pipeBytesMax) this.#source.pause();
    this.#pump();
  }

  #dueMs(): number {
    const { latencyMs, jitterMs } = this.#faults;
    const dueMs = performance.now() + latencyMs + this.#random.unit() * jitterMs;
    this.#lastDueMs = Math.max(this.#lastDueMs, dueMs);
    return this.#lastDueMs;
  }

  /** Delivers what is due, and comes back when the next piece is. */
  #pump(): void {
    clearTimeout(this.#timer);
    while (!this.#isClosed && !this.#faults.isStalled) {
      const piece = this.#waiting[0];
      if (piece === undefined || this.#target.writableNeedDrain) return;
      const waitMs = Math.max(piece.dueMs, this.#freeMs) - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.#pump(), waitMs);
        return;
      }
      this.#waiting.shift();
      this.#deliver(piece);
    }
  }

  #deliver(piece: Piece): void {
    if (piece.kind === 'bytes') this.#write(piece.bytes);
    else if (piece.kind === 'end') this.#target.end();
    else this.#target.resetAndDestroy();
  }

  #write(bytes: Buffer): void {
    const { bytesPerSecond } = this.#faults;
    this.#target.write(bytes);
    this.#deliveredBytes += bytes.length;
    const nowMs = performance.now();
    this.#freeMs =
      bytesPerSecond === undefined
        ? nowMs
        : Math.max(this.#freeMs, nowMs) + (1_000 * bytes.length) / bytesPerSecond;
    this.#waitingBytes -= bytes.length;
    if (this.#waitingBytes < pipeBytesMax / 2) this.#source.resume();
  }
}
