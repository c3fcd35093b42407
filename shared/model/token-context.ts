import type { ModelSpec } from './model-spec.ts';

type JsonObject = { readonly [key: string]: unknown };

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The first `batch_input_shape` in reading order: that of the input layer. */
function inputShape(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) {
    for (const entry of value as unknown[]) {
      const found = inputShape(entry);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const own = value['batch_input_shape'] ?? value['batch_shape'];
  if (Array.isArray(own)) return own;
  for (const child of Object.values(value)) {
    const found = inputShape(child);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Tokens that a model reads at once, where it reads tokens; 0 for models that do not fix a context. */
export function tokenContext(model: ModelSpec): number {
  if (model.kind === 'gpt') return model.context;
  if (model.kind !== 'layers') return 0;
  const shape = inputShape(model.topology);
  const context = shape?.length === 2 ? shape[1] : undefined;
  return typeof context === 'number' ? context : 0;
}
