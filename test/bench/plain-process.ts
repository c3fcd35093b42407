import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** `plain-loop.ts` in a process of its own, which computes only while it is measured. */
export interface PlainProcess {
  samplesPerSecond(windowMs: number): Promise<number>;
  close(): Promise<void>;
}

export async function openPlainProcess(job: string): Promise<PlainProcess> {
  const file = join(import.meta.dirname, 'plain-loop.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', file, job], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`the plain loop of ${job} ended before it had measured anything`);
    return value;
  };
  await nextLine();
  return {
    async samplesPerSecond(windowMs) {
      child.stdin.write(`${windowMs}\n`);
      return Number(await nextLine());
    },
    async close() {
      const exited = once(child, 'exit');
      child.stdin.end();
      await exited;
    },
  };
}
