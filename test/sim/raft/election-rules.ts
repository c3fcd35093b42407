import type { NodeId } from '../../../server/raft/cluster-configuration.ts';
import type { Message } from '../../../server/raft/message.ts';
import type { Shadow } from './shadow.ts';
import type { Sightings } from './sightings.ts';
import { electionTicks } from './swarm-options.ts';
import { isQuorum, Violation } from './violation.ts';

const unheardTicksMax = 3 * electionTicks;

interface Campaign {
  readonly isTransfer: boolean;
  readonly lastIndex: number;
  readonly lastTerm: number;
}

/**
 * One leader per term, elected by a quorum, each of which voted once and durably; nobody campaigns without a quorum that
 * would have it.
 */
export class ElectionRules {
  private readonly leaders = new Map<number, Shadow>();
  /** By term and voter. */
  private readonly votes = new Map<string, NodeId>();
  /** By term and candidate. */
  private readonly campaigns = new Map<string, Campaign>();
  private readonly candidates = new Map<number, number>();
  private latest: Shadow | undefined;
  private readonly sightings: Sightings;

  constructor(sightings: Sightings) {
    this.sightings = sightings;
  }

  leaderOf(term: number): Shadow | undefined {
    return this.leaders.get(term);
  }

  get latestId(): NodeId | undefined {
    return this.latest?.id;
  }

  onLeaderHeard(shadow: Shadow, term: number): void {
    if (term < shadow.hardState.term) return;
    shadow.heardTick = shadow.tick;
    shadow.heardTerm = term;
  }

  onPreVoteAsked(shadow: Shadow, term: number): void {
    shadow.heardTerm = -1;
    if (shadow.preVoteTerm === term) return;
    shadow.preVoteTerm = term;
    shadow.preVoteGrants.clear();
  }

  onPreVoteReply(shadow: Shadow, message: Message & { readonly kind: 'preVoteReply' | 'voteReply' }): void {
    if (!message.isGranted) this.sightings.see('pre-vote refused');
    else if (message.term === shadow.preVoteTerm) shadow.preVoteGrants.add(message.from);
  }

  onVoteAsked(shadow: Shadow, message: Message & { readonly kind: 'preVote' | 'vote' }): void {
    const { term, lastIndex, lastTerm, isTransfer } = message;
    if (shadow.campaignTerm === term) return;
    shadow.campaignTerm = term;
    shadow.heardTerm = -1;
    this.campaigns.set(`${term} ${shadow.id}`, { isTransfer, lastIndex, lastTerm });
    this.candidates.set(term, (this.candidates.get(term) ?? 0) + 1);
    if (this.candidates.get(term) === 2) this.sightings.see('two candidates in a term');
    const { configuration } = shadow.raft.status();
    const wouldVote = (id: NodeId) => id === shadow.id || shadow.preVoteGrants.has(id);
    if (!isTransfer && !(shadow.preVoteTerm === term && isQuorum(configuration, wouldVote))) {
      throw new Violation(`${shadow.id} campaigns in term ${term} without a quorum that would vote for it`);
    }
  }

  /** The decision; whether it is durable is asked when the answer leaves. */
  onVoteDecided(shadow: Shadow, message: Message & { readonly kind: 'preVoteReply' | 'voteReply' }): void {
    if (!message.isGranted) {
      this.sightings.see('vote refused');
      return;
    }
    const campaign = this.campaigns.get(`${message.term} ${message.to}`);
    const { log } = shadow;
    const lastTerm = log.termAt(log.lastIndex) ?? 0;
    if (
      campaign === undefined ||
      campaign.lastTerm < lastTerm ||
      (campaign.lastTerm === lastTerm && campaign.lastIndex < log.lastIndex)
    ) {
      throw new Violation(`${shadow.id} votes in term ${message.term} for ${message.to}, whose log is older`);
    }
    if (!campaign.isTransfer) this.onWouldVote(shadow, message);
  }

  /** Whoever hears a leader gives nobody a reason to depose it. */
  onWouldVote(shadow: Shadow, { term, to }: Message): void {
    const { heardTerm, hardState, tick, heardTick } = shadow;
    if (term > heardTerm && heardTerm === hardState.term && tick - heardTick < electionTicks) {
      throw new Violation(
        `${shadow.id} helps ${to} to depose the leader of term ${heardTerm}, which it hears`,
      );
    }
  }

  /** A leader that a quorum has not answered for long is none. */
  checkOffice(shadow: Shadow): void {
    if (shadow.ledTerm !== shadow.hardState.term) return;
    const { role, configuration } = shadow.raft.status();
    const since = shadow.tick - unheardTicksMax;
    const isHeard = (id: NodeId) =>
      id === shadow.id ||
      (shadow.heardTicks.get(id) ?? shadow.graceTick) >= since ||
      shadow.graceTick >= since;
    if (role === 'leader' && !isQuorum(configuration, isHeard)) {
      throw new Violation(`${shadow.id} leads in term ${shadow.ledTerm} although no quorum answers it`);
    }
  }

  onVoteGiven(shadow: Shadow, term: number, candidate: NodeId): void {
    const { hardState } = shadow.durable;
    if (hardState.term < term || (hardState.term === term && hardState.vote !== candidate)) {
      throw new Violation(`${shadow.id} gives its vote of term ${term} before it is durable`);
    }
    this.vote(term, shadow.id, candidate);
  }

  /** The first time that a member speaks as the leader of a term. */
  onLeader(shadow: Shadow, term: number): void {
    shadow.ledTerm = term;
    shadow.graceTick = shadow.tick;
    const other = this.leaders.get(term);
    if (other !== undefined) throw new Violation(`two leaders in term ${term}: ${other.id} and ${shadow.id}`);
    this.leaders.set(term, shadow);
    this.see(shadow, term);
    const { configuration } = shadow.raft.status();
    const { hardState } = shadow.durable;
    const isDurable = hardState.term > term || (hardState.term === term && hardState.vote === shadow.id);
    const hasVoted = (id: NodeId) =>
      id === shadow.id ? isDurable : this.votes.get(`${term} ${id}`) === shadow.id;
    if (!isQuorum(configuration, hasVoted)) {
      throw new Violation(`${shadow.id} leads in term ${term} without the durable votes of a quorum`);
    }
  }

  private see(shadow: Shadow, term: number): void {
    const { latest } = this;
    if (latest?.isAlive && latest !== shadow && latest.raft.status().role === 'leader') {
      this.sightings.see('two leaders of different terms');
    }
    if (this.campaigns.get(`${term} ${shadow.id}`)?.isTransfer) this.sightings.see('transfer done');
    this.latest = shadow;
  }

  private vote(term: number, voter: NodeId, candidate: NodeId): void {
    const key = `${term} ${voter}`;
    const before = this.votes.get(key);
    if (before !== undefined && before !== candidate) {
      throw new Violation(`${voter} votes twice in term ${term}: for ${before} and for ${candidate}`);
    }
    if (before === undefined) this.votes.set(key, candidate);
  }
}
