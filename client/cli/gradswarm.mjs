#!/usr/bin/env node
// The `gradswarm` command: makes sure that Node, the packages and the pages fit, then hands over to TypeScript.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildPages, installPackages, projectFolder, requireNode } from './setup.mjs';

const commandsThatServePages = new Set(['up', 'coordinator']);
const commandArguments = process.argv.slice(2);
const [command = '', subcommand = ''] = commandArguments;
const servesPages = commandsThatServePages.has(command) || (command === 'cluster' && subcommand === 'up');

requireNode();
installPackages();
if (servesPages && !commandArguments.includes('--help')) buildPages();
const { register } = await import('tsx/esm/api');
register();
const { runCommandLine } = await import(pathToFileURL(join(projectFolder, 'client', 'cli', 'main.ts')).href);
await runCommandLine(commandArguments);
