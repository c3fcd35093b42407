import type { ClusterConfiguration } from '../../../../../server/raft/cluster-configuration.ts';
import { createRaft } from '../../../../../server/raft/create-raft.ts';
import type { Entry } from '../../../../../server/raft/entry.ts';
import type { Message } from '../../../../../server/raft/message.ts';
import type { Raft, RaftOptions, RaftOutput, RaftStored, Snapshot } from '../../../../../server/raft/raft.ts';
import { createRandom, hashText } from '../../../../../shared/base/random.ts';
import { TestDisk } from './test-disk.ts';

export function testOptions(id: string, changes: Partial<RaftOptions> = {}): RaftOptions {
  return {
    id,
    electionTicks: 10,
    heartbeatTicks: 1,
    random: createRandom(hashText(id)),
    appendBytesMax: 1_024,
    inflightMessagesMax: 16,
    inflightBytesMax: 65_536,
    uncommittedBytesMax: 65_536,
    snapshotChunkBytes: 16,
    transferTicks: 10,
    ...changes,
  };
}

/** One member with its disk and its state machine, which keeps what it was given. Nothing moves by itself. */
export class TestMember {
  readonly id: string;
  readonly disk: TestDisk;
  raft: Raft;
  /** Writes wait in `held` until `releaseDisk`. */
  isDiskHeld = false;
  readonly held: RaftOutput[] = [];
  /** What its state began with at its last start. */
  startSnapshot: Snapshot | undefined;
  /** Since then. */
  applied: Entry[] = [];
  installed: Snapshot[] = [];
  reads: { readId: number; index: number | undefined }[] = [];
  readonly #options: RaftOptions;
  readonly #configuration: ClusterConfiguration;
  #starts = 0;

  constructor(options: RaftOptions, configuration: ClusterConfiguration, stored?: Partial<RaftStored>) {
    this.id = options.id;
    this.#options = options;
    this.disk = new TestDisk(configuration);
    if (stored?.hardState) this.disk.hardState = stored.hardState;
    this.disk.snapshot = stored?.snapshot;
    this.startSnapshot = stored?.snapshot;
    this.#configuration = configuration;
    this.disk.entries = [...(stored?.entries ?? [])];
    this.raft = createRaft(options, this.disk.read());
  }

  /** In force when `index` was applied. */
  configurationAt(index: number): ClusterConfiguration {
    const start = this.installed.at(-1) ?? this.startSnapshot;
    let found = start?.meta.configuration ?? this.#configuration;
    for (const entry of this.applied) {
      const isCovered = entry.index <= (start?.meta.index ?? 0) || entry.index > index;
      if (!isCovered && entry.body.kind === 'configuration') found = entry.body.configuration;
    }
    return found;
  }

  /** Everything in memory is lost, and writes that were under way. */
  restart(): void {
    this.held.length = 0;
    this.applied = [];
    this.installed = [];
    this.reads = [];
    this.startSnapshot = this.disk.snapshot;
    this.#starts += 1;
    const random = this.#options.random.fork(`start ${this.#starts}`);
    this.raft = createRaft({ ...this.#options, random }, this.disk.read());
  }

  /** Works off all outputs; returns what went out. */
  run(): Message[] {
    const sent: Message[] = [];
    for (let output = this.raft.takeOutput(); output; output = this.raft.takeOutput()) {
      sent.push(...output.messages);
      this.#apply(output);
      if (this.isDiskHeld) this.held.push(output);
      else sent.push(...this.#write(output));
    }
    return sent;
  }

  /** Ends the oldest write, or as many as said. */
  releaseDisk(count = this.held.length): Message[] {
    const sent = this.held.splice(0, count).flatMap((output) => this.#write(output));
    return [...sent, ...this.run()];
  }

  #write(output: RaftOutput): Message[] {
    if (output.persist) this.disk.write(output.persist);
    this.raft.persisted(output.sequence);
    return [...output.messagesAfterPersist];
  }

  #apply({ installedSnapshot, committed, reads }: RaftOutput): void {
    if (installedSnapshot) this.installed.push(installedSnapshot);
    this.applied.push(...committed);
    this.reads.push(...reads);
  }
}
