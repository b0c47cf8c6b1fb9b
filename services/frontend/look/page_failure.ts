import { Code, ConnectError } from "@connectrpc/connect";

/** Why a page cannot be shown, in words for the person who asked for it. */
export interface PageFailure {
  readonly status: 400 | 404 | 405 | 500 | 502 | 503;
  readonly title: string;
  readonly sentence: string;
  /** True where the same request may succeed later without anyone's doing. */
  readonly passes: boolean;
}

export const unknownPage: PageFailure = {
  status: 404,
  title: "Page not found",
  sentence: "There is nothing at this address.",
  passes: false,
};

export const onlyRead: PageFailure = {
  status: 405,
  title: "Nothing can be sent here",
  sentence: "This address does not take requests of this kind.",
  passes: false,
};

const invalidPageToken: PageFailure = {
  status: 400,
  title: "This link does not work",
  sentence: "The address names a place in the list that the backend does not know.",
  passes: false,
};

const backendDown: PageFailure = {
  status: 503,
  title: "The backend is not answering",
  sentence: "Devices and readings cannot be shown just now.",
  passes: true,
};

const backendFailed: PageFailure = {
  status: 502,
  title: "The backend could not answer",
  sentence: "It reported a problem of its own. Its log says more.",
  passes: true,
};

const internalFailure: PageFailure = {
  status: 500,
  title: "Something went wrong here",
  sentence: "This page could not be made. The log of the web service says more.",
  passes: false,
};

/**
 * What an error, of a query or of this program, means for the page that met it;
 * `missing` is what that has to say where the backend does not know what it asked for.
 */
export function pageFailure(error: unknown, missing: PageFailure = unknownPage): PageFailure {
  if (!(error instanceof ConnectError)) return internalFailure;
  switch (error.code) {
    case Code.NotFound:
      return missing;
    case Code.InvalidArgument:
      return invalidPageToken;
    case Code.Unavailable:
    case Code.DeadlineExceeded:
    case Code.ResourceExhausted:
    case Code.Canceled:
      return backendDown;
    default:
      return backendFailed;
  }
}
