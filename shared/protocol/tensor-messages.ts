import { GradswarmError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { TensorDeclaration } from '../tensor/manifest.ts';
import { type ParameterManifest, tensorRoles } from './services.ts';

interface TensorMessage {
  readonly name: string;
  readonly shape: number[];
  readonly role: ParameterManifest['tensors'][number]['role'];
}

export function encodeTensors(tensors: readonly TensorDeclaration[]): { readonly tensors: TensorMessage[] } {
  return {
    tensors: tensors.map(({ name, shape, role }) => ({
      name,
      shape: [...shape],
      role: tensorRoles[role ?? 'trainable'],
    })),
  };
}

/** @throws GradswarmError `tooLarge` or `badRequest` naming the tensor. */
export function decodeTensors(manifest: ParameterManifest | undefined): TensorDeclaration[] {
  const tensors = manifest?.tensors ?? [];
  if (tensors.length > limits.tensorsMax) {
    throw new GradswarmError(
      'tooLarge',
      `${tensors.length} tensors; at most ${limits.tensorsMax}`,
      'manifest',
    );
  }
  return tensors.map(({ name, shape, role }) => {
    if (shape.length > limits.tensorRankMax) {
      const message = `tensor ${name} has rank ${shape.length}; at most ${limits.tensorRankMax}`;
      throw new GradswarmError('tooLarge', message, 'manifest');
    }
    switch (role) {
      case tensorRoles.trainable:
        return { name, shape, role: 'trainable' };
      case tensorRoles.statistic:
        return { name, shape, role: 'statistic' };
      default:
        throw new GradswarmError('badRequest', `tensor ${name} has an unknown role ${role}`, 'manifest');
    }
  });
}
