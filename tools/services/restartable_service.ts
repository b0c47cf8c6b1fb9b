import type { Service } from "./service.ts";

/** A server of our own that can go away and come back with its data, on the same port. */
export interface RestartableService extends Service {
  /** Resolves once it has ended; some signals let it close in order, SIGKILL does not. */
  stop(signal: Deno.Signal): Promise<void>;
  /**
   * Starts it again, and resolves once it answers.
   *
   * @throws {ServiceError} if it does not.
   */
  start(): Promise<void>;
}
