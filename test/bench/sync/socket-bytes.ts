import { execFileSync } from 'node:child_process';

const outputBytesMax = 64 * 2 ** 20;

/** One TCP connection of a process, and what it has received since it was opened. */
interface OpenSocket {
  readonly name: string;
  readonly receivedBytes: number;
}

/** What the kernel knows of a process's connections (`ss` of iproute2, on Linux). */
function openSockets(processId: number): readonly OpenSocket[] {
  const lines = execFileSync('ss', ['-tniHpO', 'state', 'established'], {
    encoding: 'utf8',
    maxBuffer: outputBytesMax,
  }).split('\n');
  return lines
    .filter((line) => line.includes(`pid=${processId},`))
    .map((line) => {
      const [, , local = '', peer = ''] = line.trim().split(/\s+/);
      const [, received = '0'] = /bytes_received:(\d+)/.exec(line) ?? [];
      return { name: `${local} ${peer}`, receivedBytes: Number(received) };
    });
}

/** Counts what a process receives on its TCP connections; those to this process are left out. */
export function countReceivedBytes(processId: number): () => number {
  const ends = (name: string): string => name.split(' ').reverse().join(' ');
  const before = new Map(openSockets(processId).map(({ name, receivedBytes }) => [name, receivedBytes]));
  return () => {
    const own = new Set(openSockets(process.pid).map(({ name }) => ends(name)));
    return openSockets(processId)
      .filter(({ name }) => !own.has(name))
      .reduce((sum, { name, receivedBytes }) => sum + receivedBytes - (before.get(name) ?? 0), 0);
  };
}
