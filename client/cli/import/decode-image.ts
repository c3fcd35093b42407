import { decode as decodeJpeg } from 'jpeg-js';
import { PNG } from 'pngjs';
import { GradswarmError } from '../../../shared/base/errors.ts';
import { limits } from '../../../shared/base/limits.ts';

/** Rows of red, green, blue and alpha, 8 bits each. */
export interface DecodedImage {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array;
}

/** @throws GradswarmError `dataInvalid` naming the file. */
export function decodeImage(bytes: Uint8Array, path: string): DecodedImage {
  try {
    if (isPng(bytes)) return decodePng(bytes);
    if (bytes[0] === 0xff && bytes[1] === 0xd8) return decodeJpegImage(bytes);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new GradswarmError(
      'dataInvalid',
      `${path} cannot be decoded: ${reason}. Remove or replace it.`,
      path,
    );
  }
  throw new GradswarmError(
    'dataInvalid',
    `${path} is neither a PNG nor a JPEG image. Remove or replace it.`,
    path,
  );
}

const pngSignature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const isPng = (bytes: Uint8Array) => pngSignature.every((byte, place) => bytes[place] === byte);

/** The size is checked before memory is taken: width and height are at byte 16 of every PNG. */
function decodePng(bytes: Uint8Array): DecodedImage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 24) throw new Error('the file is cut short');
  const pixels = view.getUint32(16) * view.getUint32(20);
  if (pixels > limits.imagePixelsMax) throw new Error(`it has more than ${limits.imagePixelsMax} pixels`);
  const { width, height, data } = PNG.sync.read(Buffer.from(bytes));
  return { width, height, rgba: data };
}

function decodeJpegImage(bytes: Uint8Array): DecodedImage {
  const { width, height, data } = decodeJpeg(bytes, {
    useTArray: true,
    formatAsRGBA: true,
    tolerantDecoding: false,
    maxResolutionInMP: limits.imagePixelsMax / 1_000_000,
    maxMemoryUsageInMB: limits.importBytesMax / 1_000_000,
  });
  return { width, height, rgba: data };
}
