import { isSoleVoter } from './cluster-configuration.ts';
import { campaign } from './election.ts';
import { tickHandover } from './handover.ts';
import { sendHeartbeats } from './heartbeat.ts';
import { dismissLeavers } from './leading.ts';
import { type Member, mayCampaign } from './member.ts';
import { quorumValue } from './quorum.ts';
import { expireForwardedReads } from './reads.ts';
import { becomeFollower } from './roles.ts';
import { repeatChunk } from './snapshot-sending.ts';

export function tick(member: Member): void {
  member.nowTick += 1;
  if (member.role === 'leader') tickLeader(member);
  else tickFollower(member);
}

function tickFollower(member: Member): void {
  member.electionElapsed += 1;
  expireForwardedReads(member);
  // Nobody else can lead, so there is nobody to wait for.
  const isDue =
    member.electionElapsed >= member.electionTimeout || isSoleVoter(member.log.configuration, member.id);
  if (isDue && mayCampaign(member)) campaign(member);
}

function tickLeader(member: Member): void {
  member.heartbeatElapsed += 1;
  tickHandover(member);
  if (member.heartbeatElapsed < member.options.heartbeatTicks) return;
  if (hasLostQuorum(member)) {
    becomeFollower(member, member.term, undefined);
    return;
  }
  sendHeartbeats(member);
  dismissLeavers(member);
  for (const progress of member.progress.values()) repeatChunk(member, progress);
}

/** A leader that a quorum no longer hears steps down: it could commit nothing, and others may elect (Ongaro 2014, 6.2). */
function hasLostQuorum({ log, progress, id, nowTick, options }: Member): boolean {
  const heardAt = quorumValue(log.configuration, (voter) =>
    voter === id ? nowTick : (progress.get(voter)?.heardAtTick ?? 0),
  );
  return heardAt + options.electionTicks < nowTick;
}
