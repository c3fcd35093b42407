/** A bug class that other implementations have had, as a change of one place in the core. */
export interface PlantedBug {
  readonly name: string;
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly text: string;
  readonly replacement: string;
}

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: 'an entry of an earlier term is committed by counting replicas',
    file: 'server/raft/committing.ts',
    text: 'if (index <= log.commit || log.termAt(index) !== member.term) return;',
    replacement: 'if (index <= log.commit) return;',
  },
  {
    name: 'a late append truncates a log that matches it',
    file: 'server/raft/appending.ts',
    text: 'log.termAt(entry.index) === entry.term) continue;',
    replacement: 'entry.index <= log.commit) continue;',
  },
  {
    name: 'an append is acknowledged before it is durable',
    file: 'server/raft/appending.ts',
    text: "sendWhenDurable(member, from, { kind: 'appendReply', index: Math.max(end, known) });",
    replacement:
      "member.messages.push({ kind: 'appendReply', index: Math.max(end, known), from: member.id, to: from, term: member.term });",
  },
  {
    name: 'a heartbeat tells a commit index above what the follower matches',
    file: 'server/raft/heartbeat.ts',
    text: 'Math.min(log.commit, matchIndex)',
    replacement: 'log.commit',
  },
  {
    name: 'logs are compared by length before term',
    file: 'server/raft/election.ts',
    text: 'return lastTerm > log.lastTerm || (lastTerm === log.lastTerm && lastIndex >= log.lastIndex);',
    replacement:
      'return lastIndex > log.lastIndex || (lastIndex === log.lastIndex && lastTerm >= log.lastTerm);',
  },
  {
    name: 'a vote leaves before it is durable',
    file: 'server/raft/election.ts',
    text: "sendWhenDurable(member, from, { kind: 'voteReply', isGranted });",
    replacement: "send(member, from, { kind: 'voteReply', isGranted });",
  },
  {
    name: 'a second candidate of a term gets the vote too',
    file: 'server/raft/election.ts',
    text: "return member.vote === candidate || (member.vote === '' && member.leader === undefined);",
    replacement: 'return true;',
  },
  {
    name: 'a campaign begins without asking first',
    file: 'server/raft/election.ts',
    text: 'if (!isSoleVoter(configuration, member.id)) preCampaign(member);',
    replacement: 'if (!isSoleVoter(configuration, member.id)) campaignAtOnce(member, false);',
  },
  {
    name: 'a member that hears its leader lets others campaign',
    file: 'server/raft/election.ts',
    text: 'return term > member.term && !isTransfer && hearsLeader(member);',
    replacement: 'return false;',
  },
  {
    name: 'stepping down clears the vote of the term',
    file: 'server/raft/roles.ts',
    text: 'if (term !== member.term) {',
    replacement: 'if (term >= member.term) {',
  },
  {
    name: 'a term without a vote is not written',
    file: 'server/raft/output.ts',
    text: 'const hasNewVote = term !== handedState.term || vote !== handedState.vote;',
    replacement: "const hasNewVote = vote !== handedState.vote && vote !== '';",
  },
  {
    name: 'entries are written without the term that they came with',
    file: 'server/raft/output.ts',
    text: 'hardState: hasNewState ? hardState : undefined,',
    replacement: 'hardState: hasNewState && entries.length === 0 ? hardState : undefined,',
  },
  {
    name: 'entries are handed out before they are durable here',
    file: 'server/raft/output.ts',
    text: 'const end = Math.min(log.commit, disk.durableIndex);',
    replacement: 'const end = log.commit;',
  },
  {
    name: 'the entries before a snapshot are handed out again after it',
    file: 'server/raft/output.ts',
    text: '    member.deliveredIndex = installed.meta.index;\n',
    replacement: '    member.deliveredIndex = member.log.baseIndex - 1;\n',
  },
  {
    name: 'the leader counts its own log before it is durable',
    file: 'server/raft/committing.ts',
    text: 'voter === id ? disk.durableIndex',
    replacement: 'voter === id ? log.lastIndex',
  },
  {
    name: 'a removed leader stays in office',
    file: 'server/raft/committing.ts',
    text: '    resign(member);',
    replacement: '    return;',
  },
  {
    name: 'a joint configuration of an earlier leader is never left',
    file: 'server/raft/committing.ts',
    text: 'if (log.configurationIndex <= index)',
    replacement: 'if (log.configurationIndex === index)',
  },
  {
    name: 'only the incoming voters decide what a joint configuration commits',
    file: 'server/raft/quorum.ts',
    text: 'return Math.min(majorityValue(voters, reachedBy), majorityValue(outgoing, reachedBy));',
    replacement: 'return majorityValue(outgoing.length > 0 ? voters : voters, reachedBy);',
  },
  {
    name: 'only the incoming voters elect in a joint configuration',
    file: 'server/raft/quorum.ts',
    text: "return incoming === 'won' && leaving === 'won' ? 'won' : 'pending';",
    replacement: "return incoming === 'won' ? 'won' : 'pending';",
  },
  {
    name: 'half of an even number of voters commits',
    file: 'server/raft/quorum.ts',
    text: 'const majority = Math.floor(ids.length / 2) + 1;\n  let highest',
    replacement: 'const majority = Math.ceil(ids.length / 2);\n  let highest',
  },
  {
    name: 'half of an even number of voters elects',
    file: 'server/raft/quorum.ts',
    text: 'const majority = Math.floor(ids.length / 2) + 1;\n  let granted',
    replacement: 'const majority = Math.ceil(ids.length / 2);\n  let granted',
  },
  {
    name: 'a restart forgets the configurations in the log',
    file: 'server/raft/member-log.ts',
    text: "if (body.kind === 'configuration' && index > this.configurationIndex) {",
    replacement:
      "if (body.kind === 'configuration' && index > this.configurationIndex && this.commit !== undefined) {",
  },
  {
    name: 'a truncation leaves the configuration that it took away in force',
    file: 'server/raft/member-log.ts',
    text: 'while (this.configurationIndex >= index) this.#configurations.pop();',
    replacement: '',
  },
  {
    name: 'a change of members is taken on while another is not committed',
    file: 'server/raft/proposing.ts',
    text: 'if (log.configurationIndex > log.commit || isJoint(log.configuration) || !hasCommittedInTerm(member)) {',
    replacement: 'if (isJoint(log.configuration)) {',
  },
  {
    name: 'a read is answered before the first commit of the term',
    file: 'server/raft/reads.ts',
    text: 'if (reads.waiting.length === 0 || !hasCommittedInTerm(member)) return;',
    replacement: 'if (reads.waiting.length === 0) return;',
  },
  {
    name: 'a read has the id of the one before it',
    file: 'server/raft/reads.ts',
    text: 'const attempt = { id: reads.nextId++, ',
    replacement: 'const attempt = { id: reads.nextId, ',
  },
  {
    name: 'a read is answered without asking anybody',
    file: 'server/raft/reads.ts',
    text: 'if (isSoleVoter(log.configuration, id)) answerConfirmed(member);',
    replacement:
      'if (isSoleVoter(log.configuration, id) || true) { for (const request of attempt.requests) answer(member, request, attempt.index); reads.attempts.pop(); }',
  },
  {
    name: 'the window of appends under way is never opened again',
    file: 'server/raft/replication.ts',
    text: '  progress.inflight.free(index);\n',
    replacement: '',
  },
  {
    name: 'a lost append is not looked for',
    file: 'server/raft/replication.ts',
    text: 'if (progress.matchIndex < log.lastIndex) progress.isCheckDue = true;',
    replacement: '',
  },
  {
    name: 'a lost probe is never repeated',
    file: 'server/raft/replication.ts',
    text: '  progress.isProbeUnderWay = false;\n  if (progress.matchIndex < log.lastIndex)',
    replacement: '  if (progress.matchIndex < log.lastIndex)',
  },
  {
    name: 'what was written before a truncation counts as durable after it',
    file: 'server/raft/disk-view.ts',
    text: '    for (const write of this.#writes) write.lastIndex = Math.min(write.lastIndex, index - 1);\n',
    replacement: '',
  },
  {
    name: 'a truncation is not told to the disk',
    file: 'server/raft/appending.ts',
    text: '      disk.truncateFrom(entry.index);\n',
    replacement: '',
  },
  {
    name: 'a snapshot replaces a log that is ahead of it',
    file: 'server/raft/snapshot-receiving.ts',
    text: 'if (index <= log.commit || log.termAt(index) === meta.term) {',
    replacement: 'if (index <= log.commit) {',
  },
  {
    name: 'a chunk of a snapshot is taken in wherever it belongs',
    file: 'server/raft/snapshot-receiving.ts',
    text: 'if (offset === incoming.received && offset + bytes.length <= totalBytes) {',
    replacement: 'if (offset + bytes.length <= totalBytes) {',
  },
  {
    name: 'a snapshot is acknowledged before it is durable',
    file: 'server/raft/snapshot-receiving.ts',
    text: '  member.incoming = undefined;\n  sendWhenDurable(member',
    replacement: '  member.incoming = undefined;\n  send(member',
  },
  {
    name: 'a lost chunk of a snapshot is never repeated',
    file: 'server/raft/snapshot-sending.ts',
    text: '  transfer.isChunkUnderWay = false;\n  transfer.patienceTicks = Math.min',
    replacement: '  transfer.patienceTicks = Math.min',
  },
  {
    name: 'a new leader commits nothing of its own',
    file: 'server/raft/leading.ts',
    text: "  appendAsLeader(member, { kind: 'noop' });\n",
    replacement: '',
  },
  {
    name: 'a snapshot loses the table of sessions',
    file: 'server/raft/session-table.ts',
    text: '      table.#sessions.set(clientId, { floor, positions: new Map(entries) });\n',
    replacement: '',
  },
  {
    name: 'a repeated command is applied again',
    file: 'server/raft/session-table.ts',
    text: "return session.positions.get(sequence) ?? (sequence <= session.floor ? 'forgotten' : 'new');",
    replacement: "return 'new';",
  },
  {
    name: 'a compaction drops entries that its snapshot does not cover',
    file: 'server/raft/compaction.ts',
    text: 'log.dropThrough(Math.min(keepFrom - 1, index, heldAfter(member)));',
    replacement: 'log.dropThrough(log.commit);',
  },
  {
    name: 'one that is demoted is lost when the joint configuration is left',
    file: 'server/raft/membership.ts',
    text: 'learners: [...learners, ...learnersNext].sort()',
    replacement: 'learners: [...learners].sort()',
  },
  {
    name: 'a leader that nobody hears stays in office',
    file: 'server/raft/ticking.ts',
    text: 'return heardAt + options.electionTicks < nowTick;',
    replacement: 'return false;',
  },
  {
    name: 'a quarantined member votes',
    file: 'server/raft/create-raft.ts',
    text: 'if (options.isQuarantined)',
    replacement: 'if (false)',
  },
];
