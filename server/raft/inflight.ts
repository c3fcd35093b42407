/**
 * Appends on their way to one follower, in the order of the log, limited in number and bytes. One that is larger than
 * the byte limit may go alone.
 */
export class Inflight {
  readonly #messagesMax: number;
  readonly #bytesMax: number;
  #appends: { readonly lastIndex: number; readonly bytes: number }[] = [];
  #bytes = 0;

  constructor(messagesMax: number, bytesMax: number) {
    this.#messagesMax = messagesMax;
    this.#bytesMax = bytesMax;
  }

  get isFull(): boolean {
    return this.#appends.length >= this.#messagesMax || this.#bytes >= this.#bytesMax;
  }

  add(lastIndex: number, bytes: number): void {
    this.#appends.push({ lastIndex, bytes });
    this.#bytes += bytes;
  }

  /** Everything up to `index` has arrived. */
  free(index: number): void {
    let count = 0;
    for (const { lastIndex, bytes } of this.#appends) {
      if (lastIndex > index) break;
      this.#bytes -= bytes;
      count += 1;
    }
    if (count > 0) this.#appends.splice(0, count);
  }

  clear(): void {
    this.#appends = [];
    this.#bytes = 0;
  }
}
