import type { NodeId } from '../../../server/raft/cluster-configuration.ts';
import type { Message } from '../../../server/raft/message.ts';
import type { Random } from '../../../shared/base/random.ts';
import type { EventQueue } from './event-queue.ts';

const probabilityOne = 2 ** 32;
/** A message in so many takes far longer than the others. */
const stragglerShare = 0.02 * probabilityOne;
const stragglerFactor = 8;

/** Links between members: each way of each pair loses, repeats, delays, overtakes, or is cut. */
export class SimNetwork {
  private loss = 0;
  private duplication = 0;
  private delayMsMax = 2;
  /** When the last message that is under way arrives. */
  arrivedAtMs = 0;
  private readonly cut = new Set<string>();
  /** Links whose messages are held back, and until when. */
  private readonly clogged = new Map<string, number>();
  private readonly queue: EventQueue;
  private readonly random: Random;
  private readonly deliver: (message: Message) => void;

  constructor(queue: EventQueue, random: Random, deliver: (message: Message) => void) {
    this.queue = queue;
    this.random = random;
    this.deliver = deliver;
  }

  setWeather(loss: number, duplication: number, delayMsMax: number): void {
    this.loss = loss * probabilityOne;
    this.duplication = duplication * probabilityOne;
    this.delayMsMax = delayMsMax;
  }

  cutOneWay(from: NodeId, to: NodeId): void {
    this.cut.add(`${from} ${to}`);
  }

  cutBothWays(left: NodeId, right: NodeId): void {
    this.cutOneWay(left, right);
    this.cutOneWay(right, left);
  }

  mend(): void {
    this.cut.clear();
  }

  clog(from: NodeId, to: NodeId, untilMs: number): void {
    this.clogged.set(`${from} ${to}`, untilMs);
  }

  calm(): void {
    this.setWeather(0, 0, 2);
    this.mend();
    this.clogged.clear();
  }

  send(message: Message): void {
    const { random } = this;
    let extraMs = 0;
    if (this.cut.size > 0 || this.clogged.size > 0) {
      const link = `${message.from} ${message.to}`;
      if (this.cut.has(link)) return;
      extraMs = Math.max(0, (this.clogged.get(link) ?? 0) - this.queue.nowMs);
    }
    if (this.loss > 0 && random.uint32() < this.loss) return;
    this.carry(message, extraMs);
    if (this.duplication > 0 && random.uint32() < this.duplication) this.carry(message, extraMs);
  }

  private carry(message: Message, extraMs: number): void {
    const delayMs = extraMs + this.delayMs();
    this.arrivedAtMs = Math.max(this.arrivedAtMs, this.queue.nowMs + delayMs);
    this.queue.schedule(delayMs, this.deliver, message);
  }

  private delayMs(): number {
    const { random, delayMsMax } = this;
    const drawn = random.uint32();
    const delayMs = 1 + (drawn % delayMsMax);
    return drawn < stragglerShare ? delayMs * stragglerFactor : delayMs;
  }
}
