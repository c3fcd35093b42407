import { GradswarmError } from '../../../shared/base/errors.ts';
import type { TensorDeclaration } from '../../../shared/tensor/manifest.ts';

/**
 * Names are the coordinator's business: layers without a name get one there. Order, shapes and roles must agree.
 * @throws GradswarmError `wrongManifest`.
 */
export function requireTensors(
  built: readonly TensorDeclaration[],
  declared: readonly TensorDeclaration[],
): void {
  const described = ({ shape, role }: TensorDeclaration): string =>
    `[${shape.join(', ')}] ${role ?? 'trainable'}`;
  if (built.length !== declared.length) {
    throw new GradswarmError(
      'wrongManifest',
      `The model has ${built.length} tensors here, but the job declares ${declared.length}.`,
    );
  }
  declared.forEach((declaration, index) => {
    const mine = built[index];
    if (mine !== undefined && described(mine) === described(declaration)) return;
    throw new GradswarmError(
      'wrongManifest',
      `Tensor ${declaration.name} is ${mine === undefined ? 'missing' : described(mine)} here, but the job ` +
        `declares ${described(declaration)}: this worker is of another version than the coordinator.`,
    );
  });
}
