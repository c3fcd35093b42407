import type { ErrorCode } from '../../../shared/base/errors.ts';
import type { RingNeighbours, RingPlace } from '../../worker/ring/ring-channel.ts';

/**
 * Between the worker, which has the sums, and the page, which alone may have peer connections: one port for each consent,
 * and over it one for each ring epoch. Bytes change hands without a copy.
 */
export interface OpenRing {
  readonly place: RingPlace;
  readonly port: MessagePort;
}

export type RingSide = keyof RingNeighbours;

export type ToPage =
  /** What another member said, as the coordinator passed it on. */
  | { readonly kind: 'signal'; readonly from: string; readonly text: string }
  /** What became of the signal with this id. */
  | { readonly kind: 'signalled'; readonly id: number; readonly error?: string }
  | { readonly kind: 'send'; readonly bytes: ArrayBuffer }
  /** So many bytes of the predecessor were taken, of all that came. */
  | { readonly kind: 'taken'; readonly bytes: number }
  | { readonly kind: 'close'; readonly side: RingSide }
  | { readonly kind: 'abort' };

export type ToWorker =
  /** Answered by `signalled`. */
  | { readonly kind: 'signal'; readonly id: number; readonly to: string; readonly text: string }
  | { readonly kind: 'message'; readonly bytes: ArrayBuffer }
  /** So many bytes have left for the successor, of all that were sent. */
  | { readonly kind: 'left'; readonly bytes: number }
  | { readonly kind: 'end'; readonly side: RingSide; readonly code: ErrorCode; readonly message: string };
