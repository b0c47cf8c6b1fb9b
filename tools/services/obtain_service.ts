import { findService } from "./find_service.ts";
import type { NeededService } from "./needed_services.ts";
import { reasonOf, type Service, ServiceError } from "./service.ts";
import { startFromCompose } from "./start_from_compose.ts";

export interface ObtainOptions {
  readonly environment: Readonly<Record<string, string>>;
  /** Pass over what is running. */
  readonly ownServices: boolean;
  readonly signal: AbortSignal;
  /** Told why a way of starting it failed. */
  readonly warn: (message: string) => void;
}

/**
 * The service as the environment names it, on its usual port, from Compose or
 * from the installed server, whichever comes first; undefined if none of that
 * is possible.
 *
 * @throws {ServiceError} if the environment names one that cannot be used.
 */
export async function obtainService(
  needed: NeededService,
  { environment, ownServices, signal, warn }: ObtainOptions,
): Promise<Service | undefined> {
  if (!ownServices) {
    const { probe, usualUrl, named } = needed;
    const found = await findService({ probe, usualUrl, named: named(environment) });
    if (found !== undefined) return found;
  }
  const ways = [
    () => startFromCompose(needed.compose, needed.probe, signal),
    () => needed.startInstalled(signal),
  ];
  for (const start of ways) {
    signal.throwIfAborted();
    try {
      const started = await start();
      if (started !== undefined) return started;
    } catch (error) {
      if (signal.aborted) throw error;
      const reason = error instanceof ServiceError ? error.message : reasonOf(error);
      warn(`Cannot start ${needed.name}: ${reason}`);
    }
  }
  return undefined;
}
