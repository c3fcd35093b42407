import type { Capability } from './capability.ts';

/** Back ends in words: what a person calls the part of the machine that does the work. */
const engineWords: Readonly<Record<string, string>> = {
  webgpu: 'your graphics card',
  wasm: 'your processor (WebAssembly)',
  cpu: 'your processor (plain JavaScript, slow)',
  tensorflow: 'your processor (TensorFlow)',
};

/** `your graphics card: NVIDIA RTX 4090`. Only a graphics card has a name worth telling. */
export function describeEngine(engine: string, device: string): string {
  const words = engineWords[engine] ?? engine;
  return engine === 'webgpu' && device !== '' ? `${words}: ${device}` : words;
}

export interface Advice {
  readonly title: string;
  readonly text: string;
  readonly severity: 'warning' | 'danger';
}

/** What to tell people before they start, where the browser offers less than WebGPU. */
export function adviseOn(capability: Capability): Advice | undefined {
  switch (capability) {
    case 'webgpu':
      return undefined;
    case 'noWebGpu':
      return {
        title: 'This browser has no WebGPU',
        text: 'You can take part all the same: the work runs on your processor, several times slower. To use the graphics card, open this page in a current Chrome, Edge, Firefox or Safari, with hardware acceleration on.',
        severity: 'warning',
      };
    case 'insecureOrigin':
      return {
        title: 'This page came over an insecure connection',
        text: 'Browsers give WebGPU only to pages from HTTPS or from this same machine, so the work runs on your processor (WebAssembly), several times slower. Whoever runs this coordinator can change that: start it with --tls self-signed, or with a certificate, --tls-cert and --tls-key.',
        severity: 'warning',
      };
    case 'none':
      return {
        title: 'This browser cannot take part',
        text: 'It has no WebAssembly or no module workers. Open this page in a current Chrome, Edge, Firefox or Safari.',
        severity: 'danger',
      };
  }
}
