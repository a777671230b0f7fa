/**
 * `memmap/channel`: messages between threads and processes.
 */
export type { Batch } from './channel/batch';
export { Channel } from './channel/channel';
export type { Claim } from './channel/claim';
export type { Codec, CodecOption, MessageData } from './channel/codec';
export type { ChannelOptions } from './channel/layout';
export type { Message } from './channel/message';
export type { Receiver } from './channel/receiver';
export type { BatchOptions, ReceiverOptions } from './channel/receiver-options';
export type {
  MessageOptions,
  Sender,
  SenderOptions,
  SendOptions,
  SendSyncOptions,
} from './channel/sender';
export type { AsyncOptions, SyncOptions } from './sync/acquire';
