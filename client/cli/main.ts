import { Command, CommanderError } from 'commander';
import { productVersion } from '../../server/version.ts';
import { GradswarmError } from '../../shared/base/errors.ts';
import { addClusterCommand } from './commands/cluster.ts';
import { addCoordinatorCommand } from './commands/coordinator.ts';
import { addDatasetCommand } from './commands/dataset.ts';
import { addJobCommand } from './commands/job.ts';
import { addTokenCommand } from './commands/token.ts';
import { addUpCommand } from './commands/up.ts';
import { addWorkerCommand } from './commands/worker.ts';
import { addWorkersCommand } from './commands/workers.ts';
import { exitCodeOf, exitCodes, reportFailure } from './output.ts';

function createProgram(isJson: boolean): Command {
  const program = new Command('gradswarm');
  program
    .description('Trains neural networks on GPUs that people donate.')
    .version(productVersion)
    .configureHelp({ showGlobalOptions: false })
    .addHelpText(
      'after',
      `
Examples:
  gradswarm up                                     coordinator, one worker and the job mnist on this machine
  gradswarm coordinator --host 0.0.0.0 --tls self-signed
  gradswarm worker --url https://grid.example.org --token gs_...
  gradswarm job submit my-job.json

Exit codes: 0 done, 1 failed, 2 bad usage or input.`,
    );
  addUpCommand(program);
  addCoordinatorCommand(program);
  addWorkerCommand(program);
  addJobCommand(program);
  addDatasetCommand(program);
  addWorkersCommand(program);
  addTokenCommand(program);
  addClusterCommand(program);
  const makeQuiet = (command: Command): void => {
    command.exitOverride();
    command.configureOutput({
      outputError(text, write) {
        if (isJson)
          reportFailure(new GradswarmError('badRequest', text.replace(/^error: /, '').trim()), true);
        else write(`${text}See: ${commandPath(command)} --help\n`);
      },
    });
    for (const child of command.commands) makeQuiet(child);
  };
  makeQuiet(program);
  return program;
}

function commandPath(command: Command): string {
  const { parent } = command;
  return parent === null ? command.name() : `${commandPath(parent)} ${command.name()}`;
}

/** Parses and runs; sets the exit code. Help and version are a success, misuse is bad input. */
export async function runCommandLine(commandArguments: readonly string[]): Promise<void> {
  const isJson = commandArguments.includes('--json');
  try {
    await createProgram(isJson).parseAsync([...commandArguments], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.badInput;
      return;
    }
    reportFailure(error, isJson);
    process.exitCode = exitCodeOf(error);
  }
}
