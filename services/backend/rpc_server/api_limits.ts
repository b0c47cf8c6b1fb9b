import type { HeaderLimits } from "./headers/header_guard.ts";

/** What clients of the API may do, all times in milliseconds. */
export interface ApiLimits {
  readonly maxConnections: number;
  /** Calls in hand at once, over all connections. */
  readonly maxCalls: number;
  /** Longest that a unary call may take once its request is there. */
  readonly callMs: number;
  /** Longest that a request of one message may take to come. */
  readonly requestMs: number;
  /** Bytes of one message of a request, unpacked. */
  readonly maxMessageBytes: number;
  /** Bytes of requests in hand, over all connections. */
  readonly maxRequestBytes: number;
  /** Longest pause in a request of many messages. */
  readonly pauseMs: number;
  /** Longest that the head of a request may take to come. */
  readonly maxHeaderMs: number;
  /** Bytes of answers that clients have not read, over all connections. */
  readonly maxUnreadBytes: number;
  /** Longest that a client may read nothing of its answer. */
  readonly stalledMs: number;
  /** The same while `maxUnreadBytes` are passed. */
  readonly pressedMs: number;
}

/** Those of `services/backend/config.ts` have their defaults there too. */
export const apiLimits: ApiLimits = {
  maxConnections: 1_000,
  maxCalls: 1_000,
  callMs: 30_000,
  requestMs: 30_000,
  // No method takes more than a few ids and tokens.
  maxMessageBytes: 64 * 1024,
  maxRequestBytes: 64 * 1024 * 1024,
  pauseMs: 300_000,
  maxHeaderMs: 10_000,
  maxUnreadBytes: 128 * 1024 * 1024,
  stalledMs: 30_000,
  pressedMs: 5_000,
};

/** As node:http has for HTTP/1.1, and gRPC in most languages; it allows ten times what calls need. */
export const headerLimits: HeaderLimits = { maxBytes: 16 * 1024, maxFields: 100 };

/** Two, so that one is made while the other waits for the database. */
export const largeAnswers = { atOnce: 2, maxWaiting: 64, maxWaitMs: 15_000 };
