import type { Command } from 'commander';
import { adminService } from '../../../shared/protocol/services.ts';
import { type AdminOptions, withAdmin, withAdminOptions } from '../admin-client.ts';
import { formatBytes } from '../numbers.ts';
import { createOutput } from '../output.ts';

const columns = [
  'worker',
  'name',
  'home',
  'role',
  'engine',
  'device',
  'samples/s',
  'accepted',
  'refused',
  'sent',
  'codec',
  'uplink',
];

function uplinkText(bytesPerSecond: number): string {
  return bytesPerSecond > 0 ? `${formatBytes(bytesPerSecond)}/s` : '-';
}

export function addWorkersCommand(program: Command): void {
  withAdminOptions(program.command('workers'))
    .description('List the connected workers.')
    .addHelpText('after', '\nExample:\n  gradswarm workers --json')
    .action(async (options: AdminOptions) => {
      const output = createOutput(options.json === true);
      const { message } = await withAdmin(options, (client) =>
        client.unary(adminService.method.listWorkers, {}),
      );
      const rows = message.workers.map((worker) => ({
        worker: worker.workerId,
        name: worker.name,
        home: worker.home,
        role: worker.role,
        engine: worker.determinismClass?.engine,
        build: worker.determinismClass?.build,
        device: worker.device,
        'samples/s': Math.round(worker.samplesPerSecond),
        accepted: worker.unitsAccepted,
        refused: worker.unitsRefused,
        sent: output.isJson ? worker.bytesReceived : formatBytes(worker.bytesReceived),
        codec: worker.codec,
        uplink: output.isJson ? worker.uplinkBytesPerSecond : uplinkText(worker.uplinkBytesPerSecond),
        job: worker.jobId,
        quarantined: worker.quarantined,
      }));
      output.table(columns, rows);
    });
}
