import type { DecodedImage } from './decode-image.ts';

/** What one pixel of the result takes from a row or column: `weights` from `start` on, adding up to 1. */
interface Tap {
  readonly start: number;
  readonly weights: readonly number[];
}

/**
 * Height × width × channels, row by row. Smaller: the mean of the covered area; larger: bilinear. Transparency is laid
 * over white; grey is the luma of ITU-R BT.601.
 */
export function resizeImage(image: DecodedImage, height: number, width: number, channels: 1 | 3): Uint8Array {
  const planes = toPlanes(image, channels);
  const across = createTaps(image.width, width);
  const down = createTaps(image.height, height);
  const result = new Uint8Array(height * width * channels);
  for (const [channel, plane] of planes.entries()) {
    const narrowed = new Float64Array(image.height * width);
    for (let row = 0; row < image.height; row++) {
      for (let column = 0; column < width; column++) {
        narrowed[row * width + column] = weigh(plane, row * image.width, 1, across[column]!);
      }
    }
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const value = weigh(narrowed, column, width, down[row]!);
        result[(row * width + column) * channels + channel] = Math.min(Math.max(Math.round(value), 0), 255);
      }
    }
  }
  return result;
}

function weigh(values: Float64Array, offset: number, stride: number, { start, weights }: Tap): number {
  let sum = 0;
  for (let place = 0; place < weights.length; place++) {
    sum += values[offset + (start + place) * stride]! * weights[place]!;
  }
  return sum;
}

function createTaps(from: number, to: number): Tap[] {
  const scale = from / to;
  return Array.from({ length: to }, (_, place) =>
    scale >= 1
      ? areaTap(place * scale, (place + 1) * scale, from)
      : bilinearTap((place + 0.5) * scale - 0.5, from),
  );
}

function areaTap(begin: number, end: number, size: number): Tap {
  const start = Math.floor(begin);
  const stop = Math.min(Math.ceil(end), size);
  const weights = Array.from({ length: stop - start }, (_, place) => {
    const covered = Math.min(end, start + place + 1) - Math.max(begin, start + place);
    return covered / (end - begin);
  });
  return { start, weights };
}

function bilinearTap(center: number, size: number): Tap {
  const clamped = Math.min(Math.max(center, 0), size - 1);
  const start = Math.min(Math.floor(clamped), Math.max(size - 2, 0));
  return size === 1
    ? { start: 0, weights: [1] }
    : { start, weights: [1 - (clamped - start), clamped - start] };
}

function toPlanes({ width, height, rgba }: DecodedImage, channels: 1 | 3): Float64Array[] {
  const planes = Array.from({ length: channels }, () => new Float64Array(width * height));
  for (let pixel = 0; pixel < width * height; pixel++) {
    const opacity = rgba[pixel * 4 + 3]! / 255;
    const white = 255 * (1 - opacity);
    const red = rgba[pixel * 4]! * opacity + white;
    const green = rgba[pixel * 4 + 1]! * opacity + white;
    const blue = rgba[pixel * 4 + 2]! * opacity + white;
    const values = channels === 1 ? [0.299 * red + 0.587 * green + 0.114 * blue] : [red, green, blue];
    for (const [channel, value] of values.entries()) planes[channel]![pixel] = value;
  }
  return planes;
}
