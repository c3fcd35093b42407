import { createRaft } from '../../../server/raft/create-raft.ts';
import { SessionTable } from '../../../server/raft/session-table.ts';
import { runSeed } from '../../sim/raft/run-seed.ts';
import { type Figure, median } from '../figure.ts';

const runs = 3;
const seedsPerRun = 20;
const minutes = 10;
const msPerHour = 3_600_000;
const microsecondsPerSecond = 1_000_000;

/** How much time of whole clusters in trouble is simulated in a second of one processor. */
export function simulatedHoursFigure(report: (figure: Figure) => void): void {
  const hoursPerSecond = Array.from({ length: runs }, (_, run) => {
    const started = process.cpuUsage();
    let simulatedMs = 0;
    for (let seed = 1; seed <= seedsPerRun; seed++) {
      const result = runSeed({ createRaft, SessionTable }, run * seedsPerRun + seed, minutes);
      if (result.failure !== undefined) throw new Error(`seed ${result.seed}: ${result.failure.message}`);
      simulatedMs += result.simulatedMs;
    }
    const { user, system } = process.cpuUsage(started);
    return simulatedMs / msPerHour / ((user + system) / microsecondsPerSecond);
  });
  report({
    suite: 'raft',
    figure: 'simulated time of clusters of 3 to 5 in trouble',
    value: median(hoursPerSecond),
    unit: 'h/CPU s',
    runs: hoursPerSecond,
    conditions: `${seedsPerRun} seeds of ${minutes} minutes, invariants checked after every event`,
  });
}
