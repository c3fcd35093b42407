#!/usr/bin/env node
import { join } from 'node:path';
// The `gradswarm` command: makes sure that Node and the packages fit, then hands over to TypeScript.
import { pathToFileURL } from 'node:url';
import { installPackages, projectFolder, requireNode } from './setup.mjs';

requireNode();
installPackages();
const { register } = await import('tsx/esm/api');
register();
const { runCommandLine } = await import(pathToFileURL(join(projectFolder, 'client', 'cli', 'main.ts')).href);
await runCommandLine(process.argv.slice(2));
