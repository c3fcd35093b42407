import { createRaft } from '../../../server/raft/create-raft.ts';
import { SessionTable } from '../../../server/raft/session-table.ts';
import { runSeed } from './run-seed.ts';
import { Sightings } from './sightings.ts';

const msPerHour = 3_600_000;

function option(name: string, otherwise: number): number {
  const at = process.argv.indexOf(`--${name}`);
  if (at < 0) return otherwise;
  const value = Number(process.argv[at + 1]);
  if (Number.isInteger(value) && value >= 0) return value;
  process.stderr.write(`--${name} takes a whole number, not ${process.argv[at + 1]}.\n`);
  return process.exit(2);
}

const seeds = option('seeds', 500);
const minutes = option('minutes', 10);
const from = option('from', 1);

const total = new Sightings();
let simulatedMs = 0;
let eventCount = 0;
let committedCount = 0;
let failures = 0;
const startedUs = process.cpuUsage();
for (let seed = from; seed < from + seeds; seed++) {
  const result = runSeed({ createRaft, SessionTable }, seed, minutes);
  simulatedMs += result.simulatedMs;
  eventCount += result.eventCount;
  committedCount += result.committedCount;
  total.add(result.sightings);
  if (result.failure === undefined) continue;
  failures++;
  const { message, atMs } = result.failure;
  process.stdout.write(`seed ${seed} fails after ${atMs} ms: ${message}\n`);
  process.stdout.write(`  alone: npm run test:sim -- --seeds 1 --minutes ${minutes} --from ${seed}\n`);
  if (seeds === 1) {
    const replay = runSeed({ createRaft, SessionTable }, seed, minutes, true);
    process.stdout.write(`${replay.failure?.story.join('\n')}\n`);
  }
}
const usage = process.cpuUsage(startedUs);
const cpuSeconds = (usage.user + usage.system) / 1e6;
const hours = simulatedMs / msPerHour;
process.stdout.write(
  [
    `${seeds} seeds from ${from}, ${minutes} simulated minutes of trouble each`,
    `${hours.toFixed(1)} simulated hours in ${cpuSeconds.toFixed(1)} CPU seconds: ${(hours / cpuSeconds).toFixed(2)} a second`,
    `${eventCount} events, ${committedCount} committed entries, ${failures} failures`,
    ...total.lines(),
    '',
  ].join('\n'),
);
if (failures > 0) process.exitCode = 1;
