import type { ClusterConfiguration } from '../../../../../server/raft/cluster-configuration.ts';
import type { Entry } from '../../../../../server/raft/entry.ts';
import type { HardState, RaftOutput, RaftStored, Snapshot } from '../../../../../server/raft/raft.ts';

/** What a member wrote, as the contract of `RaftOutput` says. */
export class TestDisk {
  hardState: HardState = { term: 0, vote: '', commit: 0 };
  snapshot: Snapshot | undefined;
  entries: Entry[] = [];
  readonly #initialConfiguration: ClusterConfiguration;

  constructor(initialConfiguration: ClusterConfiguration) {
    this.#initialConfiguration = initialConfiguration;
  }

  write({ hardState, snapshot, replacesLog, entries }: NonNullable<RaftOutput['persist']>): void {
    if (hardState) this.hardState = hardState;
    if (snapshot) {
      this.snapshot = snapshot;
      const { index } = snapshot.meta;
      this.entries = replacesLog ? [] : this.entries.filter((entry) => entry.index > index);
    }
    const [first] = entries;
    if (first) this.entries = this.entries.filter((entry) => entry.index < first.index);
    this.entries.push(...entries);
  }

  read(): RaftStored {
    return {
      hardState: this.hardState,
      snapshot: this.snapshot,
      entries: [...this.entries],
      initialConfiguration: this.#initialConfiguration,
    };
  }
}
