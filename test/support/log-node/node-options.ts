/** What a log node is told at its start: JSON, as the only argument of its process. */
export interface NodeOptions {
  readonly id: string;
  readonly dataFolder: string;
  readonly peerPort: number;
  /** `host:port` of every member, this one included, as the log names them. One member needs no peers. */
  readonly members: Readonly<Record<string, string>>;
  /** Where this node reaches the others, when it is not where the log says. */
  readonly addresses: Readonly<Record<string, string>>;
  readonly compactEvery: number;
  readonly trailingEntries: number;
  readonly seed: number | undefined;
}
