import type { ConnectRouter } from "@connectrpc/connect";
import type { LargeAnswers } from "./answers/large_answers.ts";

/** Adds services to what a port serves; `large` is for methods whose answers nobody bounds. */
export type ApiRoutes = (
  router: ConnectRouter,
  serving: { readonly large: LargeAnswers },
) => void;
