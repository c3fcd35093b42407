import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { NodeOptions } from './node-options.ts';

const script = join(import.meta.dirname, 'main.ts');
const errorCharactersMax = 20_000;

/** A log node as a process, which can be ended, stopped, and started again on what it stored. */
export class NodeProcess {
  readonly #options: NodeOptions;
  #child: ChildProcess | undefined;
  #exited: Promise<unknown> = Promise.resolve();
  #clientPort: number | undefined;
  #isPaused = false;
  #isKilled = false;
  #hasFailed = false;
  #errors = '';

  constructor(options: NodeOptions) {
    this.#options = options;
    process.once('exit', () => this.#child?.kill('SIGKILL'));
  }

  get id(): string {
    return this.#options.id;
  }

  get processId(): number | undefined {
    return this.#child?.pid;
  }

  /** Undefined while it does not run. */
  get clientPort(): number | undefined {
    return this.#clientPort;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** It has ended although nobody killed it. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** The end of what it wrote about its troubles. */
  get errors(): string {
    return this.#errors;
  }

  /** Resolves when it answers clients. @throws Error when it ends instead. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, ['--import', 'tsx', script, JSON.stringify(this.#options)], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.#isKilled = false;
    this.#exited = once(child, 'exit').then(() => {
      this.#hasFailed ||= !this.#isKilled;
      this.#child = undefined;
      this.#clientPort = undefined;
    });
    child.stderr.on('data', (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString()).slice(-errorCharactersMax);
    });
    for await (const line of createInterface({ input: child.stdout })) {
      const { clientPort } = JSON.parse(line) as { clientPort: number };
      this.#clientPort = clientPort;
      return;
    }
    await this.#exited;
    throw new Error(`node ${this.id} did not start:\n${this.#errors}`);
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    // What is sent to it from now on is lost: nobody may wait for it.
    this.#clientPort = undefined;
    this.#isPaused = false;
    this.#isKilled = true;
    child?.kill('SIGKILL');
    await this.#exited;
  }

  /** SIGSTOP: it does nothing, and its connections stay open. */
  pause(): void {
    this.#isPaused = true;
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#isPaused = false;
    this.#child?.kill('SIGCONT');
  }
}
