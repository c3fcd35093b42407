import type { LayerConfig, LayersTopology } from './layers-topology.ts';

type Activation = 'softmax' | 'sigmoid';

interface Found {
  readonly activation: string;
  readonly linear: LayerConfig;
}

/** Names of activations differ between Keras (`hard_sigmoid`), its configs (`{class_name}`) and TensorFlow.js. */
function activationName(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'object' && value !== null && 'class_name' in value) {
    return String(value.class_name).toLowerCase();
  }
  return 'linear';
}

function isLayer(value: unknown): value is LayerConfig {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as LayerConfig).class_name === 'string' &&
    typeof (value as LayerConfig).config === 'object'
  );
}

/** Reads a layer's activation, and rewrites the layer without it. */
function inspect(layer: LayerConfig): Found {
  const { class_name, config } = layer;
  if (class_name === 'Softmax') {
    const activation = { class_name: 'Activation', config: { name: config['name'], activation: 'linear' } };
    return { activation: 'softmax', linear: { ...layer, ...activation } };
  }
  if (Array.isArray(config['layers'])) return inspectContainer(layer, config['layers']);
  return {
    activation: activationName(config['activation']),
    linear: { ...layer, config: { ...config, activation: 'linear' } },
  };
}

/** The output layer of a Sequential is the last; a functional model names it. */
function inspectContainer(container: LayerConfig, layers: readonly unknown[]): Found {
  const outputs = container.config['output_layers'];
  const first: unknown = Array.isArray(outputs) ? outputs[0] : undefined;
  const name: unknown = Array.isArray(first) ? first[0] : first;
  const isOutput = (layer: unknown, index: number): boolean =>
    Array.isArray(outputs)
      ? isLayer(layer) && (layer.config['name'] === name || (layer as { name?: unknown }).name === name)
      : index === layers.length - 1;
  const position = layers.findIndex(isOutput);
  const output = layers[position];
  if (!isLayer(output)) return { activation: 'linear', linear: container };
  const found = inspect(output);
  const replaced = layers.map((layer, index) => (index === position ? found.linear : layer));
  return {
    activation: found.activation,
    linear: { ...container, config: { ...container.config, layers: replaced } },
  };
}

/** Activation of the output layer: `linear` where it has none. */
export function outputActivation(topology: LayersTopology): string {
  return inspect(topology).activation;
}

/** The same model, answering in logits where its output layer ends in `activation`. */
export function withoutOutputActivation(topology: LayersTopology, activation: Activation): LayersTopology {
  const found = inspect(topology);
  return found.activation === activation ? { ...topology, ...found.linear } : topology;
}
