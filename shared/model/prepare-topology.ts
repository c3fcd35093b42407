import { GradswarmError } from '../base/errors.ts';
import { hashText, mixSeed } from '../base/random.ts';
import type { LayerConfig, LayersTopology } from './layers-topology.ts';

type JsonObject = { readonly [key: string]: unknown };

const layerKeys = new Set(['layer', 'cell', 'forward_layer', 'backward_layer']);
const layerListKeys = new Set(['layers', 'cells']);

/** Layers that draw numbers no seed reaches: another worker could not compute the same unit again. */
const unseeded = new Set(['GaussianNoise', 'GaussianDropout', 'AlphaDropout']);
const recurrentDropouts = ['dropout', 'recurrent_dropout'];
const randomInitializers =
  /^(VarianceScaling|Random|Truncated|Orthogonal|Glorot|He|LeCun|random|truncated|orthogonal|glorot|he|leCun)/;

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isLayer(value: unknown): value is LayerConfig {
  return isObject(value) && typeof value['class_name'] === 'string' && isObject(value['config']);
}

function snakeCase(className: string): string {
  return className.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
}

/**
 * A topology that is safe to build: the `model_config` is taken out of its envelope, and layers without a name get
 * one by class and position, so that every process names the same tensors alike.
 * @throws GradswarmError `badRequest` for layers whose result depends on more than parameters, input and seed.
 */
export function prepareTopology(topology: JsonObject): LayersTopology {
  const inner = isObject(topology['model_config']) ? topology['model_config'] : topology;
  if (!isLayer(inner)) {
    throw new GradswarmError(
      'badRequest',
      'model.topology is no layers topology: it needs class_name and config. Pass what model.toJSON() gives.',
      'model.topology',
    );
  }
  const counts = new Map<string, number>();
  return { ...inner, ...prepareLayer(inner, counts) };
}

function prepareLayer(layer: LayerConfig, counts: Map<string, number>): LayerConfig {
  refuseUnrepeatable(layer);
  const base = snakeCase(layer.class_name);
  const given: unknown = layer.config['name'];
  let name = given;
  if (typeof given !== 'string' || given === '') {
    const count = (counts.get(base) ?? 0) + 1;
    counts.set(base, count);
    name = `${base}_${count}`;
  }
  const config = Object.entries(layer.config).map(([key, value]): [string, unknown] => {
    if (layerKeys.has(key) && isLayer(value)) return [key, prepareLayer(value, counts)];
    if (layerListKeys.has(key) && Array.isArray(value)) {
      return [key, value.map((entry: unknown) => (isLayer(entry) ? prepareLayer(entry, counts) : entry))];
    }
    return [key, value];
  });
  return { ...layer, config: { ...Object.fromEntries(config), name } };
}

function refuseUnrepeatable({ class_name, config }: LayerConfig): void {
  const refuse = (message: string): never => {
    const name = typeof config['name'] === 'string' ? ` ("${config['name']}")` : '';
    throw new GradswarmError(
      'badRequest',
      `model.topology: ${class_name}${name} ${message}`,
      'model.topology',
    );
  };
  if (unseeded.has(class_name)) {
    refuse('draws unseeded noise, so its units could not be computed again elsewhere; use Dropout.');
  }
  if (config['stateful'] === true) {
    refuse('is stateful, so units would depend on their order; set stateful to false.');
  }
  for (const [key, value] of Object.entries(config)) {
    if (key.endsWith('_constraint') && value !== null && value !== undefined) {
      refuse(`has ${key}, which the coordinator does not apply; remove it, or use a regularizer.`);
    }
  }
  const isRecurrent = 'recurrent_initializer' in config || 'recurrent_dropout' in config;
  if (isRecurrent && recurrentDropouts.some((key) => Number(config[key] ?? 0) > 0)) {
    refuse('has unseeded dropout inside; set dropout and recurrent_dropout to 0, and add a Dropout layer.');
  }
}

/** Gives every random initialiser of a complete topology a seed of its own, drawn from `seed` and its place. */
export function seedInitializers(topology: LayersTopology, seed: number): LayersTopology {
  return visit(topology, 'model', seed) as LayersTopology;
}

function visit(value: unknown, path: string, seed: number): unknown {
  if (Array.isArray(value))
    return value.map((entry: unknown, index) => visit(entry, `${path}/${index}`, seed));
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([key, child]): [string, unknown] => {
    const childPath = `${path}/${key}`;
    const isRandom =
      key.endsWith('_initializer') && isLayer(child) && randomInitializers.test(child.class_name);
    if (!isRandom) return [key, visit(child, childPath, seed)];
    return [key, { ...child, config: { ...child.config, seed: mixSeed(seed, hashText(childPath)) } }];
  });
  return Object.fromEntries(entries);
}

const initializerNames = [
  'kernel',
  'bias',
  'recurrent',
  'depthwise',
  'pointwise',
  'embeddings',
  'alpha',
  'beta',
  'gamma',
  'moving_mean',
  'moving_variance',
].map((name) => `${name}_initializer`);

/** The same model with initial values of zero, whatever its author or its layers' defaults say. */
export function zeroInitializers(topology: LayersTopology): LayersTopology {
  const zeros = initializerNames.map((name) => [name, { class_name: 'Zeros', config: {} }]);
  // Layers ignore the names that they do not have.
  const every = Object.fromEntries(zeros) as JsonObject;
  return zeroLayer(topology, every) as LayersTopology;
}

function zeroLayer(layer: LayerConfig, zeros: JsonObject): LayerConfig {
  const parts = Object.entries(layer.config).map(([key, value]): [string, unknown] => {
    if (layerKeys.has(key) && isLayer(value)) return [key, zeroLayer(value, zeros)];
    if (!layerListKeys.has(key) || !Array.isArray(value)) return [key, value];
    return [key, value.map((entry: unknown) => (isLayer(entry) ? zeroLayer(entry, zeros) : entry))];
  });
  const isContainer = parts.some(([key]) => layerListKeys.has(key));
  return { ...layer, config: { ...Object.fromEntries(parts), ...(isContainer ? {} : zeros) } };
}
