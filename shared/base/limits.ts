/**
 * Every maximum and every timeout. Lengths are checked against these before memory is allocated.
 * Relations between them are asserted by `test/unit/shared/base/limits.test.ts`.
 */
const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;

export const limits = {
  /** Protobuf header of one frame. Job documents and data set manifests travel in it. */
  frameHeaderBytesMax: 1 * mebibyte,
  /** Payload bytes of one frame; longer payloads are cut into several. */
  frameChunkBytesMax: 1 * mebibyte,
  /** One WebSocket message: header, padding and one chunk. */
  frameBytesMax: 2 * mebibyte + 64,
  /** Payload of one call, after its chunks are joined: 128 Mi parameters as float32, as a blob with its seal. */
  payloadBytesMax: 512 * mebibyte + 32,
  /** What a blob says of whose vector it holds: a SHA-256. */
  vectorSealBytes: 32,
  /** WebSocket fragments of one message (CVE-2026-48779). */
  frameFragmentsMax: 64,
  /** Pieces in which a message may arrive from the network before it is whole. */
  webSocketBufferedChunksMax: 4_096,

  /** Calls that one connection may have under way. */
  callsPerConnectionMax: 32,
  /** Payload bytes that the calls of one connection may hold, from their first frame to their end. */
  pendingPayloadBytesPerConnectionMax: 600 * mebibyte,
  /** A sender pauses above this, and a server drops a peer that stays above it for `slowReaderMs`. */
  bufferedBytesMax: 8 * mebibyte,
  slowReaderMs: 30_000,
  /** How often a paused sender looks at its link again. */
  bufferedPollMs: 10,
  /** Every frame of a payload but the last carries at least this much. */
  frameChunkBytesMin: 4 * kibibyte,
  /** The same for all connections of a coordinator. */
  pendingPayloadBytesMax: 1_024 * mebibyte,
  /** Answers of a stream that wait for their reader. */
  streamQueueItemsMax: 256,
  /** Updates that wait for one watcher; one that falls behind further is told to fetch a snapshot. */
  watcherLagVersionsMax: 16,
  /** A watched job's status is sent at most this often. */
  statusIntervalMsMin: 100,
  /** A peer that answers no ping within this time is dropped. */
  pingIntervalMs: 15_000,
  /** A peer that answers no ping for this long is gone; a worker may compute one unit for `leaseTimeoutMsMax` first. */
  pongTimeoutMs: 660_000,
  /** A timer that fires this late tells of a thread that was computing. */
  blockedThreadMs: 1_000,
  /** A peer that does not complete the closing handshake by then is dropped. */
  closeTimeoutMs: 2_000,
  /** A connection that has not registered or signed in by then is closed. */
  handshakeTimeoutMs: 5_000,
  /** A message that has begun must be complete by then. */
  incompletePayloadMs: 60_000,

  httpHeadersTimeoutMs: 10_000,
  httpRequestTimeoutMs: 30_000,
  httpKeepAliveTimeoutMs: 5_000,
  httpHeaderBytesMax: 16 * kibibyte,
  httpBodyBytesMax: 1 * kibibyte,
  httpRequestsPerAddressPerMinuteMax: 6_000,

  /** Addresses of coordinators that a worker or a page keeps in mind. */
  coordinatorsMax: 16,
  /** Redirects that are followed one after the other, before a pause is made. */
  redirectsInRowMax: 4,
  /** How long a command looks for a coordinator that leads, and `job wait` for one that answers. */
  leaderWaitMs: 15_000,
  leaderWatchMs: 60_000,
  clusterSecretCharactersMin: 32,
  /** A coordinator that joins gives up when the one that it asks does not answer. */
  clusterDiscoveryTimeoutMs: 10_000,
  /** Coordinators of one cluster that may be named at its start. */
  clusterMembersMax: 9,

  connectionsMax: 12_000,
  connectionsPerAddressMax: 1_024,
  connectionsPerAddressPerMinuteMax: 600,
  /** Connections of one address before they are WebSockets, pages and shards included. */
  socketsPerAddressMax: 2_048,
  callsPerConnectionPerSecondMax: 400,
  workersMax: 10_000,

  heartbeatIntervalMs: 2_000,
  /** Missed heartbeats for this long end a worker's leases. */
  workerTimeoutMs: 10_000,
  leasePollMs: 20_000,
  leasesPerWorkerMax: 4,
  leaseTimeoutMsMin: 5_000,
  leaseTimeoutMsFirst: 120_000,
  leaseTimeoutMsMax: 600_000,
  /** Copies of one unit that may be computed at once, the hedge included. */
  leasesPerUnitMax: 2,
  faultsBeforeQuarantine: 8,
  quarantineMs: 600_000,
  /** Expired leases remembered, so that a late contribution is told why it is refused. */
  expiredLeasesMax: 4_096,
  /** Newest unit times that deadlines are taken from. */
  unitTimesMax: 64,
  /** A job pauses after so many updates with impossible values in one round, when none was fit to count. */
  divergedRefusals: 4,
  /** A loss is smaller than this, so that the sum over a round or an evaluation is finite. */
  lossMagnitudeMax: 1e100,

  /** Members of one ring; further holders hand their sums in directly. */
  ringMembersMax: 64,
  /** Plans of one round; after them every holder hands its own sum in. */
  ringEpochsMax: 4,
  /** Values of one segment, so that a message fits a data channel: 64 KiB less a header. */
  ringSegmentValues: 8_192,
  ringMessageBytesMax: 64 * kibibyte,
  /** Messages that are relayed together, and the pause between two calls of one worker. */
  ringRelayBatchBytesMax: 1 * mebibyte,
  ringRelayIntervalMs: 5,
  /** Time for one exchange or upload: at least, and at most however large the model is. */
  ringTimeoutMsMin: 10_000,
  ringTimeoutMsMax: 600_000,
  /** Bytes a second of a link that was not measured yet: 1 Mbit/s. */
  ringBytesPerSecondFirst: 125_000,
  /** Relayed bytes and messages that wait for one worker; senders pause above. */
  ringRelayBytesMax: 4 * mebibyte,
  ringRelayMessagesMax: 256,
  /** Text that one member sends another to open a channel. */
  ringSignalBytesMax: 16 * kibibyte,
  /** Candidates that one neighbour may name. */
  ringCandidatesMax: 64,
  /** A data channel to the successor is open by then, or the next ring epoch goes through the coordinator. */
  ringConnectTimeoutMs: 10_000,
  /** Bytes of a neighbour that wait for a worker inside of a unit. */
  ringUnreadBytesMax: 64 * mebibyte,
  /** What was sent is received by then, and the receiver has closed the connection. */
  ringLingerMs: 5_000,
  /** Rounds for which two members that found no way to one another are not made neighbours again, at most. */
  ringUnreachableRounds: 32,
  /** STUN and TURN servers that a coordinator names. */
  iceServersMax: 8,
  /** Failed exchanges in a row after which a worker is asked for its updates themselves. */
  ringTroubleMax: 3,

  jobsMax: 1_000,
  jobsRunningMax: 16,
  jobDocumentBytesMax: 512 * kibibyte,
  unitsPerRoundMax: 1_024,
  batchSizeMax: 65_536,
  /** Optimizer steps of one unit, and its samples in all. */
  localStepsMax: 4_096,
  unitSamplesMax: 1_048_576,
  /** Contributions of one asynchronous round: with weights up to 8 their sum stays exact. */
  asynchronousBufferMax: 128,
  stalenessMax: 64,
  /** Units of one round that has no end of them. */
  unitsOpenMax: 65_536,
  /** Contributions of a job that wait, with their payloads, for the next round to open. */
  contributionsParkedMax: 1_024,
  /** Changes of strategy that a job's record names. */
  strategyChangesMax: 32,
  adaptiveStrategiesMax: 8,
  /** Codecs that a job leaves its workers to choose from. */
  codecsPerJobMax: 8,
  /** Columns of the factors of a low-rank update. */
  codecRankMax: 64,
  roundsMax: 100_000_000,
  parametersMax: 128 * mebibyte,
  tensorsMax: 4_096,
  tensorRankMax: 8,
  historyPointsMax: 2_048,
  /** A checkpoint is taken at least this often, whatever the job asks: aggregates are kept until then. */
  checkpointRoundsMax: 1_024,
  /** Pauses between attempts of a replica that cannot get to the committed version. */
  replicaRetryMsMin: 500,
  replicaRetryMsMax: 5_000,
  /** Newest rounds that rates are taken over. */
  paceRoundsMax: 32,
  determinismClassesMax: 32,
  evaluationUnitsMax: 256,

  datasetsMax: 1_000,
  shardsMax: 65_536,
  shardBytesTarget: 1 * mebibyte,
  shardBytesMax: 16 * mebibyte,
  columnsMax: 4_096,
  classesMax: 65_536,
  vocabularyMax: 65_536,
  workerShardCacheBytesMax: 256 * mebibyte,
  /** The manifest goes into the log together with a job document. */
  datasetManifestBytesMax: 384 * kibibyte,
  /** One file of an import, unpacked, and all records of an import in memory. */
  importBytesMax: 2_048 * mebibyte - 1,
  /** A text is one string while it is cut into tokens. */
  importTextCharactersMax: 512 * mebibyte - 64,
  imageFileBytesMax: 64 * mebibyte,
  imagePixelsMax: 64 * mebibyte,
  imageSideMax: 4_096,
  /** Different values of a category column, each of which becomes an input of its own. */
  categoriesPerColumnMax: 64,
  csvRecordBytesMax: 1 * mebibyte,
  shardFetchAttempts: 6,

  /** How long a worker with a lease of newer parameters waits for their update before it asks for a snapshot. */
  parameterWaitMs: 5_000,
  /** Updates that a worker keeps while a snapshot is on its way. */
  parameterUpdatesPendingMax: 64,
  /** Contributions of one worker on their way at once. */
  uploadsPerWorkerMax: 2,
  /** Arrays of computed batches that a job's reader keeps: those of the batch in use and of the one prepared. */
  batchArraysKeptMax: 4,
  /** Jobs that a worker keeps compiled at once. */
  jobsPerWorkerMax: 2,
  /** A worker stops after so many units in a row that it could not compute, or that were refused for their values. */
  unitFailuresMax: 5,
  statusIntervalMs: 250,
  /** How often `gradswarm up` starts a local worker again that ended by itself. */
  workerRestartsMax: 3,
  /** `gradswarm cluster up` gives a coordinator up that ended so often in a row, so soon after its start. */
  memberRestartsMax: 5,
  memberShortLifeMs: 10_000,
  /** Time that a stopping worker gives its last calls. */
  farewellTimeoutMs: 2_000,

  tokensMax: 10_000,
  nameCharactersMax: 64,
  textCharactersMax: 2_000,

  commandBytesMax: 1 * mebibyte,
  logSegmentBytesMax: 16 * mebibyte,
  logBatchBytesMax: 4 * mebibyte,
  /** A log that rests for so long proves on the disk that its last batch was durable. */
  logMarkDelayMs: 100,
  logUncommittedBytesMax: 16 * mebibyte,
  logEntriesPerSnapshot: 8_192,
  logTrailingEntries: 1_024,
  /** Members of a cluster, learners included. */
  raftMembersMax: 15,
  /** A learner may become a voter when it lacks no more of what is committed. */
  raftCaughtUpEntriesMax: 256,
  raftSnapshotBytesMax: 512 * mebibyte,
  /** The unit of a member's time; with the next two, a leader that died is missed after 500 to 1,000 ms. */
  raftTickMs: 50,
  raftHeartbeatTicks: 2,
  raftElectionTicks: 10,
  /** Ticks that a late timer makes up for: a process that was stopped must not campaign before it has listened. */
  raftTicksAtOnceMax: 3,
  /** A handover of leadership that takes longer is given up. */
  raftTransferTicks: 20,
  /** Entries of one message, unless a single one is larger. */
  raftAppendBytesMax: 512 * kibibyte,
  /** Appends on their way to one follower. */
  raftInflightMessagesMax: 128,
  raftInflightBytesMax: 4 * mebibyte,
  raftSnapshotChunkBytes: 256 * kibibyte,
  /** Committed entries that are kept in memory for consumers of the log that are close behind. */
  raftRecentBytesMax: 1 * mebibyte,
  /** A leader's log in memory, up to which it is kept for the sake of followers that are receiving a snapshot. */
  raftHeldLogBytesMax: 64 * mebibyte,
  /** Linearizable reads of one member that wait for their index. */
  raftPendingReadsMax: 4_096,
  /** Pauses between attempts to learn where the log stands, or whether it took a change. */
  logRetryMsMin: 20,
  logRetryMsMax: 1_000,
  clientSessionsMax: 4_096,
  /** Latest proposals of one client that are told from new ones. */
  sequencesPerSessionMax: 256,
  /** Entries that one consumer of the log has read but not yet taken. */
  logReadBytesMax: 256 * kibibyte,

  etcdEndpointsMax: 16,
  /** A coordinator that etcd does not hear of for this long loses the leadership. */
  etcdLeaseSeconds: 5,
  etcdLeaseSecondsMin: 1,
  etcdLeaseSecondsMax: 60,
  /** Leadership is given up this long before its lease can end. */
  etcdLeaseMarginMs: 250,
  /** One request to one member; then the next member is asked. */
  etcdRequestTimeoutMs: 3_000,
  etcdRetryDelayMs: 100,
  etcdRefusedDelayMs: 1_000,
  /** For one attempt to give back the leadership when a coordinator ends. */
  etcdFarewellTimeoutMs: 1_000,
  /** Coordinators that may write themselves down in etcd. */
  etcdMembersMax: 64,
  /** A coordinator that cannot reach etcd by then does not start. */
  etcdStartTimeoutMs: 10_000,
  /** What etcd takes by default (`--max-request-bytes`), with the keys around a value. */
  etcdRequestBytesMax: 1.5 * mebibyte,
  etcdKeysBytesMax: 64 * kibibyte,
  /** Commands of one transaction together, unless one alone is larger; also one piece of a snapshot. */
  etcdValueBytesMax: 1 * mebibyte,
  /** Values read at once. */
  etcdPageValuesMax: 64,
  /** One answer as JSON: a page of the largest values in base64. */
  etcdResponseBytesMax: 96 * mebibyte,
  /** Newest commands kept in memory, so that consumers who keep up need no request. */
  etcdRecentBytesMax: 4 * mebibyte,
  etcdSnapshotBytesMax: 256 * mebibyte,
  /** Answers older than one seen before, in a row, until they count as a loss of data. */
  etcdStaleAnswersMax: 20,

  /** Connections from other coordinators, and their attempts, in all and from one address. */
  peerConnectionsMax: 256,
  peerConnectionsPerAddressMax: 64,
  peerConnectionsPerAddressPerMinuteMax: 1_200,
  /** From the connection to the end of the handshake between coordinators, and the size of its messages. */
  peerHandshakeTimeoutMs: 3_000,
  peerHandshakeBytesMax: 4 * kibibyte,
  /** Whoever hears a handshake can try secrets without asking anyone. */
  peerSecretCharactersMin: 16,
  peerUrlCharactersMax: 512,
  /** Payload of one message of Raft: entries, or a chunk of a snapshot. Its header is that of any frame. */
  peerMessageBytesMax: 2 * mebibyte,
  /** One WebSocket message between coordinators, sealed. */
  peerFrameBytesMax: 3 * mebibyte + 128,
  /** Messages that wait for one coordinator: appends are dropped above half of it, everything above the whole. */
  peerBufferedBytesMax: 8 * mebibyte,
  /** Snapshot chunks on their way to one coordinator; further ones are dropped. */
  peerChunkBytesMax: 8 * mebibyte,
  /** Blobs on their way to or from one coordinator at once, and those that wait for their turn. */
  peerBlobCallsMax: 4,
  peerBlobCallsWaitingMax: 256,
  peerBlobTimeoutMs: 600_000,
  /** Blobs on their way to one coordinator at once, of those that a command waits for. */
  blobPushesPerPeerMax: 3,
  /** Blobs that wait for one coordinator although they are on a majority; beyond that it fetches them itself. */
  blobPushBacklogMax: 16,
  /** Blobs of which the leader knows where they are; those of an upload that is not registered yet among them. */
  blobPushesTrackedMax: 131_072,
  blobPushRetryMsMin: 50,
  blobPushRetryMsMax: 2_000,
  /** A change that waits so long for the other coordinators' disks is told of. */
  blobSlowMs: 10_000,
  /** How often it is looked whether another majority than before would do. */
  blobQuorumCheckMs: 1_000,
  /** Blobs that are fetched from other coordinators at once. */
  blobFetchesMax: 4,
  blobFetchRetryMsMin: 500,
  blobFetchRetryMsMax: 10_000,
  /** A leader's own copy of a blob is on its way for this long before a follower asks for it. */
  blobExpectedMs: 300,
  /** How long a reader of a shard waits until it was fetched from another coordinator. */
  blobFetchWaitMs: 20_000,
  /** How long a blob waits for a connection before its coordinator counts as unavailable. */
  peerLaneWaitMs: 2_000,
  /** Silence that ends the connection for blobs: its end may be busy writing one to its disk. */
  peerBulkSilenceMs: 10_000,
  /** How long a connection has to show that it lives when another one comes in the same name. */
  peerProbeTimeoutMs: 1_000,
  peerReconnectDelayMsMin: 100,
  peerReconnectDelayMsMax: 2_000,
  /** Calls of one follower's workers that wait for the leader. */
  relayCallsMax: 40_000,
  /** What waits to be told to the leader or to the follower; beyond that the relay begins anew. */
  relayEventsMax: 65_536,
  relayAnswersMax: 65_536,
  /** Of them, in one message. */
  relayBatchMax: 64,
  /** Contributions that go to the leader whole at once, and those that wait for their turn. */
  relayPayloadCallsMax: 4,
  relayPayloadCallsWaitingMax: 1_024,
  /** How often a follower without a relay looks for the leader, and one with a relay whether it still leads. */
  relayRetryMs: 100,
  /** How often a follower looks whether it holds what a lease of the leader needs. */
  edgePollMs: 10,
  /** For one message, and for what a follower has summed. */
  relayTimeoutMs: 10_000,
  /** Refused sums of one coordinator, after which the leader takes no more of its workers. */
  edgeSumsRefusedMax: 3,
  edgeSumTimeoutMs: 60_000,
  /** Bytes that are hashed without a pause, so that heartbeats pass in between. */
  hashSliceBytes: 4 * mebibyte,

  /** Events waiting for the coordinator's loop. */
  eventQueueMax: 65_536,
  /** Contribution payloads held in memory while they wait for a reducer. */
  reducerQueueBytesMax: 1_024 * mebibyte,
  /** Payloads of one sum that are kept to be added together: more would hardly be faster. */
  heldPayloadBytesMax: 256 * mebibyte,
  /** Threads that add contributions, the trainer's own included; there are fewer where there are fewer cores. */
  reducerLanesMax: 4,
  reducerColumnsMin: 256 * 1_024,
  /** A reducer thread that takes longer for its part of a few contributions is broken. */
  reducerTimeoutMs: 60_000,
  /** Vectors of one round that an aggregator needs all of. */
  roundVectorsBytesMax: 1_024 * mebibyte,
  reconnectDelayMsMin: 250,
  reconnectDelayMsMax: 15_000,
  shutdownTimeoutMs: 10_000,

  /** How often a page asks for what it shows. */
  pageRefreshMs: 4_000,
  adminRefreshMs: 2_000,
  pageRequestTimeoutMs: 10_000,
} as const;
