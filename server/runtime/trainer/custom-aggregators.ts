import { pathToFileURL } from 'node:url';
import { toErrorMessage } from '../../../shared/base/error-message.ts';
import { GradswarmError } from '../../../shared/base/errors.ts';
import type { CustomAggregator } from '../../../shared/sync/aggregators/aggregator.ts';
import type { AggregatorSpec } from '../../../shared/sync/aggregators/aggregator-spec.ts';

/** By the name under which jobs ask for them. */
export type CustomAggregators = ReadonlyMap<string, CustomAggregator>;

export const noAggregators: CustomAggregators = new Map();

/**
 * Loads the modules that the coordinator's configuration names: files of this machine, by path.
 * @throws GradswarmError `badRequest` with the file's name.
 */
export async function loadAggregators(paths: Readonly<Record<string, string>>): Promise<CustomAggregators> {
  const loaded = new Map<string, CustomAggregator>();
  for (const [name, path] of Object.entries(paths)) loaded.set(name, await loadAggregator(name, path));
  return loaded;
}

async function loadAggregator(name: string, path: string): Promise<CustomAggregator> {
  const fail = (reason: string): never => {
    throw new GradswarmError('badRequest', `${name}: ${path} ${reason}`, 'aggregators');
  };
  let loaded: Readonly<Record<string, unknown>>;
  try {
    loaded = await import(pathToFileURL(path).href);
  } catch (error) {
    return fail(`cannot be loaded: ${toErrorMessage(error).message}`);
  }
  const { aggregate, membersMin = 1 } = loaded;
  if (typeof aggregate !== 'function') {
    return fail('exports no function `aggregate(vectors, weights, target)`');
  }
  if (!(Number.isInteger(membersMin) && Number(membersMin) >= 1)) {
    return fail('exports a `membersMin` that is no whole number from 1 on');
  }
  return guarded(name, path, {
    aggregate: aggregate as CustomAggregator['aggregate'],
    membersMin: Number(membersMin),
  });
}

/** What the module throws concerns the job that asked for it, and names the file. */
function guarded(
  name: string,
  path: string,
  { aggregate, membersMin = 1 }: CustomAggregator,
): CustomAggregator {
  return {
    membersMin,
    aggregate(vectors, weights, target) {
      try {
        aggregate(vectors, weights, target);
      } catch (error) {
        const message = `The aggregator ${name} (${path}) failed: ${toErrorMessage(error).message}`;
        throw new GradswarmError('internal', message, 'aggregator');
      }
    },
  };
}

/** The module that the spec names, if it names one. @throws GradswarmError `notFound`. */
export function customAggregator(
  spec: AggregatorSpec,
  customs: CustomAggregators,
): CustomAggregator | undefined {
  if (spec.kind !== 'custom') return undefined;
  const custom = customs.get(spec.name);
  if (custom !== undefined) return custom;
  const known = customs.size === 0 ? 'none' : [...customs.keys()].join(', ');
  throw new GradswarmError(
    'notFound',
    `No aggregator is called "${spec.name}" here; the setting aggregators names ${known}.`,
    'aggregator.name',
  );
}
