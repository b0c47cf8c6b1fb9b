import { constants } from "node:http2";
import type { Socket } from "node:net";
import {
  Code,
  ConnectError,
  createContextKey,
  createContextValues,
  type HandlerContext,
} from "@connectrpc/connect";
import type { UniversalServerRequest, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { type AnswerWay, SentAnswer } from "../answers/sent_answer.ts";
import type { UnreadAnswers } from "../answers/unread_answers.ts";
import type { NodeRequest, NodeResponse } from "../requests/node_http.ts";
import type { CountRefusal, Refusal } from "../requests/refusals.ts";
import { RequestBody, type RequestTimes } from "../requests/request_body.ts";
import { RequestHeads } from "../requests/request_head.ts";
import { hasEnvelopes, WholeMessages } from "../requests/whole_messages.ts";
import { callEnd, endCall } from "./call_end.ts";

export interface CallLimitsOptions {
  /** Calls in hand at once, until their answers are sent; further ones are refused. */
  readonly maxCalls: number;
  /** Of one message of a request. */
  readonly maxMessageBytes: number;
  /** Bytes of requests in hand, over all calls; one that has not come whole gives way to the rest. */
  readonly maxRequestBytes: number;
  readonly times: RequestTimes;
  readonly unread: UnreadAnswers;
  readonly refused: CountRefusal;
}

interface NodeCall {
  readonly request: NodeRequest;
  readonly response: NodeResponse;
  readonly socket: Socket;
  readonly kind: CallKind;
}

type CallKind = "unary" | "server_streaming" | "client_streaming" | "bidi_streaming";

/** A call from its head to the last byte of its answer. */
export interface HeldCall {
  readonly call: UniversalServerRequest;
  /** The answer, to be written to the response. */
  answer(result: UniversalServerResponse): UniversalServerResponse;
  /** Whether it is answered, or its client has gone. */
  readonly over: boolean;
}

const overloaded = createContextKey(false, { description: "the server has too much in hand" });

/** What may be around the one message of a request: its envelope, and trailers. */
const aroundBytes = 16 * 1024;
/** Longest that the answer to a call that was given up may take, in milliseconds. */
const answerMs = 1_000;

/** What of the calls may be streams, which last for as long as their clients like. */
const streamShare = 0.5;

/** Bounds what clients can make the server hold for them. */
export class CallLimits {
  readonly #options: CallLimitsOptions;
  readonly #heads: RequestHeads;
  /** Each by its request, in the order in which they came. */
  readonly #inHand = new Set<RequestBody>();
  #requestBytes = 0;
  #streams = 0;

  constructor(options: CallLimitsOptions) {
    this.#options = options;
    this.#heads = new RequestHeads(options.maxMessageBytes);
  }

  /** @throws {TypeError} for a request that cannot even be read. */
  hold({ request, response, socket, kind }: NodeCall): HeldCall {
    const head = this.#heads.read(request);
    const { maxMessageBytes, times, unread, refused } = this.#options;
    const stream = "stream" in request ? request.stream : undefined;
    const controller = new AbortController();
    const contextValues = createContextValues().set(endCall, (reason) => controller.abort(reason));
    const full = !this.#hasRoom(kind) ? "calls" : unread.full ? "unread" : undefined;
    if (full !== undefined) {
      refused(full);
      contextValues.set(overloaded, true);
    }
    const held = unread.open(() => {
      refused("unread");
      if (stream === undefined) socket.destroy();
      else stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    });
    const many = kind === "client_streaming" || kind === "bidi_streaming";
    const enveloped = hasEnvelopes(head.header.get("content-type"));
    const body = new RequestBody(request, {
      times,
      many,
      maxBytes: maxMessageBytes + aroundBytes,
      messages: enveloped ? new WholeMessages(maxMessageBytes) : undefined,
      held: (bytes) => this.#hold(bytes),
      gaveUp(reason) {
        refused(reason);
        // The answer may be as little read as the request was sent.
        const end = () => {
          if (stream === undefined) socket.destroy();
          else stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
        };
        const late = setTimeout(end, answerMs);
        const answered = stream ?? response;
        for (const event of ["finish", "close"]) answered.once(event, () => clearTimeout(late));
        if (stream !== undefined) return;
        // What is still to come of the request would keep the connection open.
        if (!response.headersSent) response.setHeader("connection", "close");
        response.once("finish", () => socket.destroySoon());
      },
    });
    // The broken connection of an HTTP/1.1 client; its `close` follows.
    if (stream === undefined) request.on("error", () => {});
    let over = false;
    this.#inHand.add(body);
    if (kind !== "unary") this.#streams++;
    (stream ?? response).once("close", () => {
      over = true;
      this.#inHand.delete(body);
      if (kind !== "unary") this.#streams--;
      held.close();
      body.close();
      controller.abort(callEnd(stream?.rstCode));
    });
    const way: AnswerWay = {
      socket,
      unread: held,
      response: stream ?? response as { readonly writableLength: number },
    };
    return {
      call: { ...head, body, signal: controller.signal, contextValues },
      answer: (result) => {
        if (result.body === undefined) return result;
        return { ...result, body: new SentAnswer(result.body, way) };
      },
      get over() {
        return over;
      },
    };
  }

  /** The oldest whose request has not come gives way: who sends none must keep nobody out. */
  #hasRoom(kind: CallKind): boolean {
    const { maxCalls } = this.#options;
    if (kind !== "unary" && this.#streams >= maxCalls * streamShare) return false;
    if (this.#inHand.size < maxCalls) return true;
    // Those that gave way are in hand until they have their answers.
    if (this.#inHand.size >= 2 * maxCalls) return false;
    return this.#giveUpOldest("calls", tooMany(), () => true);
  }

  #hold(bytes: number): void {
    this.#requestBytes += bytes;
    if (bytes <= 0) return;
    while (this.#requestBytes > this.#options.maxRequestBytes) {
      if (!this.#giveUpOldest("request_bytes", tooMuch(), (body) => body.heldBytes > 0)) return;
    }
  }

  /** The oldest that is still coming, of those that would help; whether there was one. */
  #giveUpOldest(
    reason: Refusal,
    error: ConnectError,
    helps: (body: RequestBody) => boolean,
  ): boolean {
    const oldest = this.#inHand.values().find((body) => body.coming && helps(body));
    oldest?.giveUp(reason, error);
    return oldest !== undefined;
  }
}

/** @throws {ConnectError} RESOURCE_EXHAUSTED for a call that came while too much was in hand. */
export function refuseWhenOverloaded({ values }: HandlerContext): void {
  if (!values.get(overloaded)) return;
  throw tooMany();
}

function tooMany(): ConnectError {
  return new ConnectError("too many calls are in hand; try again", Code.ResourceExhausted);
}

function tooMuch(): ConnectError {
  return new ConnectError("too much of requests is in hand; try again", Code.ResourceExhausted);
}
