/** What all that reads lines has in common. */
import { native } from '../base/native';

/** How lines are given. */
export interface LineSettings {
  encoding: BufferEncoding | undefined;
  keepEnds: boolean;
}

/** How an index is built. */
export interface IndexSettings extends LineSettings {
  /** The bytes that an entry stands for. */
  every: number;
}

export const LINE_FEED = 10;
export const CARRIAGE_RETURN = 13;

/** The pattern with which the native core finds lines. */
export const lineFeed = native.Pattern.literalsSync(Uint8Array.of(LINE_FEED), Float64Array.of(1));
