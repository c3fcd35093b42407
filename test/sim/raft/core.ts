import type { createRaft } from '../../../server/raft/create-raft.ts';
import type { SessionTable } from '../../../server/raft/session-table.ts';

/** The code under test. A parameter, so that the same worlds can be run over copies of it with a bug planted. */
export interface RaftCore {
  readonly createRaft: typeof createRaft;
  readonly SessionTable: typeof SessionTable;
}
