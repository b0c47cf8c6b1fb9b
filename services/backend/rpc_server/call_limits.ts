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
import { callEnd, endCall } from "./call_end.ts";
import type { NodeRequest, NodeResponse } from "./node_http.ts";
import type { CountRefusal } from "./refusals.ts";
import { RequestHeads } from "./request_head.ts";
import { type AnswerWay, SentAnswer } from "./sent_answer.ts";
import { type RequestTimes, TimedRequest } from "./timed_request.ts";
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

/** Longest that the trailers of an answer are waited for, in milliseconds. */
const trailersMs = 1_000;

const overloaded = createContextKey(false, { description: "the server has too much in hand" });

/** Bounds what clients can make the server hold for them. */
export class CallLimits {
  readonly #options: CallLimitsOptions;
  readonly #heads = new RequestHeads();
  #inHand = 0;

  constructor(options: CallLimitsOptions) {
    this.#options = options;
  }

  /** @throws {TypeError} for a request that cannot even be read. */
  hold({ request, response, socket, kind }: NodeCall): HeldCall {
    const head = this.#heads.read(request);
    const { maxCalls, times, unread, refused } = this.#options;
    const stream = "stream" in request ? request.stream : undefined;
    const controller = new AbortController();
    const contextValues = createContextValues().set(endCall, (reason) => controller.abort(reason));
    const full = this.#inHand >= maxCalls ? "calls" : unread.full ? "unread" : undefined;
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
    const timed = new TimedRequest(request, times, many, () => {
      refused("request_time");
      endWithAnswer();
    });
    let closing: ReturnType<typeof setTimeout> | undefined;
    /** What is still to come of the request would keep the connection, or the stream, open. */
    const endWithAnswer = () => {
      if (stream !== undefined) {
        // Its trailers follow what it says is its end.
        const close = () => stream.close(constants.NGHTTP2_NO_ERROR);
        stream.once("finish", () => closing = setTimeout(close, trailersMs));
      } else {
        if (!response.headersSent) response.setHeader("connection", "close");
        response.once("finish", () => socket.destroySoon());
      }
    };
    // The broken connection of an HTTP/1.1 client; its `close` follows.
    if (stream === undefined) request.on("error", () => {});
    let over = false;
    this.#inHand++;
    (stream ?? response).once("close", () => {
      over = true;
      this.#inHand--;
      held.close();
      timed.stop();
      clearTimeout(closing);
      controller.abort(callEnd(stream?.rstCode));
    });
    const way: AnswerWay = {
      socket,
      unread: held,
      response: stream ?? response as { readonly writableLength: number },
    };
    return {
      call: { ...head, body: timed, signal: controller.signal, contextValues },
      answer: (result) => {
        if (result.body === undefined) return result;
        return { ...result, body: new SentAnswer(result.body, way) };
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
