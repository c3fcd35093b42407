import type { Command } from '../../server/core/commands.ts';
import type { CallRef, Event } from '../../server/core/events.ts';
import type { World } from './world.ts';

interface Proposal {
  readonly text: string;
  readonly call: CallRef | undefined;
  /** Life of the coordinator that proposed it. */
  readonly life: number;
}

/** A log of one node: a command counts once it is synced, and is delivered some time later. */
export class SimLog {
  /** Synced commands as JSON: what survives a crash. Entry i has index i + 1. */
  readonly entries: string[] = [];
  private unsynced: Proposal[] = [];
  private life = 0;
  private syncedAtMs = 0;
  private failsUntilMs = 0;
  private deliveredAtMs = 0;

  private readonly world: World;
  private readonly post: (event: Event) => void;

  constructor(world: World, post: (event: Event) => void) {
    this.world = world;
    this.post = post;
  }

  /** Commands with a caller that are neither delivered nor failed. */
  readonly calls = new Set<CallRef>();

  propose(command: Command, call: CallRef | undefined): void {
    const { world } = this;
    const proposal = { text: JSON.stringify(command), call, life: this.life };
    if (call !== undefined) this.calls.add(call);
    this.unsynced.push(proposal);
    this.syncedAtMs = Math.max(this.syncedAtMs, world.nowMs) + world.between(0.5, 15);
    world.schedule(this.syncedAtMs - world.nowMs, () => this.sync(proposal));
  }

  read(index: number): Command {
    return JSON.parse(this.entries[index - 1] ?? 'null') as Command;
  }

  /** The power fails: what was not synced is gone, and nobody hears of what was. */
  crash(): void {
    this.life += 1;
    this.unsynced = [];
    this.calls.clear();
  }

  /** What was not synced is refused, and what is proposed in the next `spanMs`. */
  fail(spanMs: number): void {
    this.failsUntilMs = this.world.nowMs + spanMs;
    const failed = this.unsynced;
    this.unsynced = [];
    for (const proposal of failed) this.refuse(proposal);
  }

  private refuse({ text, call }: Proposal): void {
    if (call !== undefined) this.calls.delete(call);
    const command = JSON.parse(text) as Command;
    const callField = call === undefined ? {} : { call };
    this.post({
      kind: 'proposalFailed',
      command,
      ...callField,
      code: 'unavailable',
      message: 'not committed',
    });
  }

  private sync(proposal: Proposal): void {
    const { world } = this;
    if (!this.unsynced.includes(proposal)) return;
    this.unsynced = this.unsynced.filter((other) => other !== proposal);
    if (world.nowMs < this.failsUntilMs) {
      this.refuse(proposal);
      return;
    }
    this.entries.push(proposal.text);
    const index = this.entries.length;
    this.deliveredAtMs = Math.max(this.deliveredAtMs, world.nowMs) + world.between(0.1, 10);
    world.schedule(this.deliveredAtMs - world.nowMs, () => this.deliver(index, proposal));
  }

  private deliver(index: number, { call, life }: Proposal): void {
    if (life !== this.life) return;
    if (call !== undefined) this.calls.delete(call);
    this.post({
      kind: 'committed',
      index,
      command: this.read(index),
      ...(call === undefined ? {} : { call }),
    });
  }
}
