/** Signs of an adapter that runs on the CPU, in what the driver says of itself. */
const softwareSigns = /swiftshader|llvmpipe|lavapipe|software|basic render|\bwarp\b|\bcpu\b/i;

type AdapterInfo = Partial<Pick<GPUAdapterInfo, 'vendor' | 'architecture' | 'device' | 'description'>> & {
  readonly isFallbackAdapter?: boolean;
};

/** The fields that say what it is, without repetition. */
function fields({ vendor, architecture, device, description }: AdapterInfo): string[] {
  return [vendor, architecture, device, description].filter(
    (text): text is string => text !== undefined && text !== '',
  );
}

export function isSoftwareAdapter(info: AdapterInfo): boolean {
  return info.isFallbackAdapter === true || softwareSigns.test(fields(info).join(' '));
}

/** "NVIDIA GeForce RTX 4090", or what little a browser tells: "nvidia ada-lovelace". */
export function adapterInWords(info: AdapterInfo): string {
  const words = info.description || [info.vendor, info.architecture].filter(Boolean).join(' ');
  const name = words || 'a GPU that does not tell its name';
  return isSoftwareAdapter(info) ? `${name} (emulated on the CPU)` : name;
}

/** Two adapters of one text run the same compiled kernels, as far as a page can tell. */
export function adapterBuild(info: AdapterInfo): string {
  return fields(info).join(' ') || 'unnamed';
}
