/** Time as a port, so that a simulator may bring its own. */
export interface Timers {
  nowMs(): number;
  /** Runs `task` once after the delay, unless the returned function is called before. */
  after(delayMs: number, task: () => void): () => void;
}
