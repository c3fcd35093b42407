import { readFileSync } from 'node:fs';

const pageBytes = 4096;
/** The kernel's unit of processor time, as `getconf CLK_TCK` tells. */
const clockTicksPerSecond = 100;

/** Resident memory of a process on Linux. */
export function residentBytes(processId: number): number {
  const pages = Number(readFileSync(`/proc/${processId}/statm`, 'utf8').split(' ')[1]);
  return pages * pageBytes;
}

/** Processor time that a process and its threads have used, user and system. */
export function processorSeconds(processId: number): number {
  const line = readFileSync(`/proc/${processId}/stat`, 'utf8');
  // The command, in parentheses, may hold spaces.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / clockTicksPerSecond;
}
