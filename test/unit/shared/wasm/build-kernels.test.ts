import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { kernelsBinary as engineKernels } from '../../../../client/worker/engine/wasm/kernels-binary.ts';
import { kernelsBinary as sumKernels } from '../../../../server/runtime/trainer/sum/kernels-binary.ts';

describe('committed kernels', () => {
  it('are what the .wat files compile to', async () => {
    const script = fileURLToPath(new URL('../../../../shared/wasm/build-kernels.mjs', import.meta.url));
    const { stderr } = await promisify(execFile)(process.execPath, [script, '--check']);
    expect(stderr).toBe('');
  });

  it('are valid WebAssembly that needs only a memory', () => {
    for (const [name, base64] of Object.entries({ ...engineKernels, ...sumKernels })) {
      const module = new WebAssembly.Module(Buffer.from(base64, 'base64'));
      const imports = WebAssembly.Module.imports(module);
      expect(imports, name).toEqual([{ module: 'env', name: 'memory', kind: 'memory' }]);
    }
  });
});
