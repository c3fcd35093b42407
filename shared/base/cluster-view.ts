/** The cluster in as far as workers and pages have to know it, as one coordinator sees it now. */
export interface ClusterView {
  /** This coordinator leads, and has applied everything that earlier leaders committed. */
  readonly isLeader: boolean;
  /** Base address of the leader; undefined while none is known. A leader need not name itself. */
  readonly leaderUrl: string | undefined;
  /** Base addresses of all coordinators, this one included; empty when it is the only one. */
  readonly coordinatorUrls: readonly string[];
}

/** A coordinator without peers. */
export const aloneInCluster: ClusterView = { isLeader: true, leaderUrl: undefined, coordinatorUrls: [] };
