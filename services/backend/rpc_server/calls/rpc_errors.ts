import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import type { Logger } from "@logtape/logtape";

/** What an error means to a client; undefined if it means a fault of the server. */
export type TranslateError = (error: unknown) => ConnectError | undefined;

/**
 * Gives every error its status code, once, at the edge: a ConnectError passes,
 * an error after the client cancelled or the deadline passed takes that as its
 * code, `translate` is asked about the others, and what it does not know is
 * logged and becomes INTERNAL, with nothing of the inside in its message.
 */
export function translateErrors(log: Logger, translate: TranslateError): Interceptor {
  return (next) => async (request) => {
    const translated = (error: unknown): ConnectError => {
      if (error instanceof ConnectError) return error;
      if (request.signal.aborted) return ConnectError.from(request.signal.reason, Code.Canceled);
      const known = translate(error);
      if (known !== undefined) return known;
      const method = `${request.service.typeName}/${request.method.name}`;
      log.error("RPC failed", { method, error });
      return new ConnectError("internal error", Code.Internal);
    };
    try {
      const response = await next(request);
      if (!response.stream) return response;
      return { ...response, message: mapError(response.message, translated) };
    } catch (error) {
      throw translated(error);
    }
  };
}

async function* mapError<Message>(
  messages: AsyncIterable<Message>,
  map: (error: unknown) => Error,
): AsyncGenerator<Message> {
  try {
    yield* messages;
  } catch (error) {
    throw map(error);
  }
}
