import type { Random } from '../../../shared/base/random.ts';
import type { SimProcess, Waiter } from './sim-process.ts';
import type { World } from './world.ts';

const refusedMs = 200;

/**
 * One client with one operation at a time. It repeats a command under the same number until it hears that the command
 * took effect, wherever it can, so that repetitions reach the log from several leaders and arrive late.
 */
export class SimClient {
  readonly id: string;
  acknowledged = 0;
  /** Set by the world: no new operation is begun. */
  isClosing = false;
  private sequence = 0;
  private operation: 'none' | 'command' | 'read' = 'none';
  private attempt = 0;
  private burstLeft = 0;
  private process: SimProcess | undefined;
  private readonly world: World;
  private readonly random: Random;

  constructor(world: World, id: string) {
    this.world = world;
    this.id = id;
    this.random = world.random.fork(id);
    world.queue.schedule(this.random.below(3_000), this.onThought, 0);
  }

  get isIdle(): boolean {
    return this.operation === 'none';
  }

  /** Goes on after a time in which it began nothing. */
  reopen(): void {
    this.isClosing = false;
    this.think();
  }

  /** Between two operations; a burst of them, then a long pause. */
  private think(): void {
    const { thinkMs } = this.world.options;
    this.operation = 'none';
    this.attempt++;
    if (this.burstLeft === 0) this.burstLeft = 1 + this.random.below(10);
    this.burstLeft--;
    const meanMs = this.burstLeft === 0 ? 8 * thinkMs : 20;
    this.world.queue.schedule(this.random.below(2 * meanMs), this.onThought, this.attempt);
  }

  private readonly onThought = (attempt: number): void => {
    if (attempt !== this.attempt || this.isClosing) return;
    const isRead = this.random.unit() < this.world.options.readShare;
    this.operation = isRead ? 'read' : 'command';
    if (!isRead) this.sequence++;
    this.try();
  };

  private try(): void {
    const attempt = ++this.attempt;
    const process = this.process ?? this.world.someProcess(this.random);
    if (process === undefined || !process.isAlive) {
      this.process = undefined;
      this.world.queue.schedule(refusedMs, this.onRetry, attempt);
      return;
    }
    this.world.queue.schedule(this.world.options.patienceMs, this.onTimeout, attempt);
    this.process = process;
    if (this.operation === 'read') process.whenRunning(() => this.read(process, attempt));
    else {
      const { sequence } = this;
      process.whenRunning(() => this.propose(process, sequence, attempt));
    }
  }

  private readonly onTimeout = (attempt: number): void => {
    if (attempt !== this.attempt) return;
    if (this.random.below(3) === 0) this.process = undefined;
    this.try();
  };

  private propose(process: SimProcess, sequence: number, attempt: number): void {
    const bytes = new Uint8Array(1 + this.random.below(this.world.options.commandBytesMax)).fill(sequence);
    const waiter: Waiter = { onApplied: () => this.onReply(attempt) };
    const result = process.propose(bytes, { clientId: this.id, sequence }, waiter);
    if (result.kind === 'refused' && result.reason === 'tooManyUncommitted') {
      this.world.sightings.see('proposal refused: uncommitted');
    }
    if (result.kind === 'refused' && result.reason === 'transferring') {
      this.world.sightings.see('proposal refused: transfer');
    }
    if (result.kind === 'notLeader') this.follow(process, result.leader, attempt);
  }

  /** To the leader that was named, if it can be reached, soon. */
  private follow(from: SimProcess, leader: string | undefined, attempt: number): void {
    if (attempt !== this.attempt) return;
    const named = leader === undefined ? undefined : this.world.processOf(leader);
    this.process = named === from ? undefined : named;
    this.attempt++;
    this.world.queue.schedule(named === undefined ? refusedMs : 20, this.onRetry, this.attempt);
  }

  private readonly onRetry = (attempt: number): void => {
    if (attempt === this.attempt) this.try();
  };

  private onReply(attempt: number): void {
    if (attempt !== this.attempt || this.random.unit() < this.world.replyLoss) return;
    this.acknowledged = this.sequence;
    this.think();
  }

  private read(process: SimProcess, attempt: number): void {
    const { role } = process.raft.status();
    process.read((index) => {
      if (index === undefined) this.world.sightings.see('read given up');
      else
        this.world.sightings.see(
          role === 'leader' ? 'read answered on a leader' : 'read answered on a follower',
        );
      if (attempt !== this.attempt) return;
      if (index === undefined) this.follow(process, process.raft.status().leader, attempt);
      else this.think();
    });
  }
}
