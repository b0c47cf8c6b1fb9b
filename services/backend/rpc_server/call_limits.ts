import { constants } from "node:http2";
import type { Socket } from "node:net";
import {
  Code,
  ConnectError,
  type ContextValues,
  createContextKey,
  createContextValues,
  type HandlerContext,
} from "@connectrpc/connect";
import type { UniversalServerRequest, UniversalServerResponse } from "@connectrpc/connect/protocol";
import type { NodeRequest, NodeResponse } from "./node_http.ts";
import type { CountRefusal } from "./refusals.ts";
import { sentAnswer } from "./sent_answer.ts";
import { type RequestTimes, timedRequest } from "./timed_request.ts";
import type { UnreadAnswers } from "./unread_answers.ts";

export interface CallLimitsOptions {
  /** Calls in hand at once, until their answers are sent; further ones are refused. */
  readonly maxCalls: number;
  readonly times: RequestTimes;
  readonly unread: UnreadAnswers;
  readonly refused: CountRefusal;
}

interface NodeCall {
  readonly request: NodeRequest;
  readonly response: NodeResponse;
  readonly socket: Socket;
  readonly kind: "unary" | "server_streaming" | "client_streaming" | "bidi_streaming";
}

/** A call from its head to the last byte of its answer. */
export interface HeldCall {
  readonly call: UniversalServerRequest;
  /** The answer, to be written to the response. */
  answer(result: UniversalServerResponse): UniversalServerResponse;
  /** Whether it is answered, or its client has gone. */
  readonly over: boolean;
}

const overloaded = createContextKey(false, { description: "the server has too much in hand" });

/** Bounds what clients can make the server hold for them. */
export class CallLimits {
  readonly #options: CallLimitsOptions;
  #inHand = 0;

  constructor(options: CallLimitsOptions) {
    this.#options = options;
  }

  /** For a new call: notes whether there is too much in hand for it. */
  contextValues(): ContextValues {
    const { maxCalls, unread, refused } = this.#options;
    const full = this.#inHand >= maxCalls ? "calls" : unread.full ? "unread" : undefined;
    if (full !== undefined) refused(full);
    return createContextValues().set(overloaded, full !== undefined);
  }

  hold({ request, response, socket, kind }: NodeCall, call: UniversalServerRequest): HeldCall {
    const { times, unread, refused } = this.#options;
    const stream = "stream" in request ? request.stream : undefined;
    const held = unread.open(() => {
      refused("unread");
      if (stream === undefined) socket.destroy();
      else stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    });
    const many = kind === "client_streaming" || kind === "bidi_streaming";
    // JSON that is parsed already comes only from middleware, and there is none.
    const body = call.body as AsyncIterable<Uint8Array>;
    const timed = timedRequest(body, times, many, () => {
      refused("request_time");
      if (stream !== undefined) return;
      // What is still to come of the request would keep the connection open.
      if (!response.headersSent) response.setHeader("connection", "close");
      response.once("finish", () => socket.destroySoon());
    });
    let over = false;
    this.#inHand++;
    (stream ?? response).once("close", () => {
      over = true;
      this.#inHand--;
      held.close();
      timed.stop();
    });
    const waiting = () =>
      (stream ?? response as { readonly writableLength: number }).writableLength;
    return {
      call: { ...call, body: timed.body },
      answer: (result) => {
        if (result.body === undefined) return result;
        return { ...result, body: sentAnswer(result.body, { socket, unread: held, waiting }) };
      },
      get over() {
        return over;
      },
    };
  }
}

/** @throws {ConnectError} RESOURCE_EXHAUSTED for a call that came while too much was in hand. */
export function refuseWhenOverloaded({ values }: HandlerContext): void {
  if (!values.get(overloaded)) return;
  throw new ConnectError("too many calls are in hand; try again", Code.ResourceExhausted);
}
