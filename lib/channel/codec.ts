/** How values become the bytes of messages. */
import { deserialize, serialize } from 'node:v8';
import { invalidType, invalidValue } from '../base/errors';

/** What is sent without a codec: bytes, or a string as UTF-8. */
export type MessageData = string | ArrayBufferView;

/** Turns values into bytes, and bytes into values. */
export interface Codec<T> {
  /** Returns the bytes of a value, or a string, which is sent as UTF-8. */
  encode(value: T): MessageData;
  /**
   * Returns the value. The bytes are a copy of its own, but with `lend`: then they are only there
   * during the call.
   */
  decode(bytes: Buffer): T;
}

/**
 * A codec: `'json'`; `'v8'` (structured clones, between JavaScript peers that trust each other); or
 * an object of the caller's.
 */
export type CodecOption<T> = 'json' | 'v8' | Codec<T>;

/** A codec, and whether its values may refer to the bytes that they were decoded from. */
export interface CheckedCodec<T> extends Codec<T> {
  readonly refers: boolean;
}

const JSON_CODEC: CheckedCodec<unknown> = {
  encode(value: unknown): string {
    const text: unknown = JSON.stringify(value);
    if (typeof text !== 'string') throw invalidType('data', 'a value that JSON has', value);
    return text;
  },
  decode: (bytes) => JSON.parse(bytes.toString()),
  refers: false,
};

/** Typed arrays in a value are views of the bytes that it was decoded from. */
const V8_CODEC: CheckedCodec<unknown> = { encode: serialize, decode: deserialize, refers: true };

/** The codec that an option stands for. */
export function checkCodec<T>(
  codec: CodecOption<T> | undefined,
): CheckedCodec<T> | CheckedCodec<unknown> | undefined {
  if (codec === undefined) return undefined;
  if (codec === 'json') return JSON_CODEC;
  if (codec === 'v8') return V8_CODEC;
  const given: unknown = codec;
  if (typeof given === 'string') {
    throw invalidValue('options.codec', "must be 'json', 'v8' or an object", given);
  }
  if (
    typeof codec !== 'object' ||
    codec === null ||
    typeof codec.encode !== 'function' ||
    typeof codec.decode !== 'function'
  ) {
    throw invalidType('options.codec', "'json', 'v8' or an object with encode and decode", given);
  }
  return {
    encode: (value: T) => codec.encode(value),
    decode: (bytes) => codec.decode(bytes),
    refers: true,
  };
}

/** What an encoder returned, or a caller gave. */
export function checkData(data: unknown): MessageData {
  if (typeof data === 'string' || ArrayBuffer.isView(data)) return data;
  throw invalidType('data', 'a string, Buffer, TypedArray or DataView', data);
}
