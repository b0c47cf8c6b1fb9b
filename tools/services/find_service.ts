import type { NamedUrl } from "./named_url.ts";
import type { Probe } from "./probe.ts";
import { reasonOf, runningService, type Service, ServiceError } from "./service.ts";

export interface Whereabouts {
  readonly probe: Probe;
  /** Named by the environment: the only place to look, if it is. */
  readonly named: NamedUrl | undefined;
  /** Where it usually is; undefined to not look there. */
  readonly usualUrl: string | undefined;
}

/** Far longer than a server takes that answers at all, on a busy machine and over a network. */
const probeMs = 20_000;

/**
 * The service where the environment or custom says; undefined if custom alone
 * says so and no usable one answers.
 *
 * @throws {ServiceError} naming the variable, if what it names does not answer.
 */
export async function findService(
  { probe, named, usualUrl }: Whereabouts,
): Promise<Service | undefined> {
  if (named !== undefined) {
    try {
      await probe(named.url, probeMs);
    } catch (error) {
      const place = withoutPassword(named.url);
      throw new ServiceError(
        `${named.variable} names ${place}, which cannot be used: ${reasonOf(error)}`,
      );
    }
    return runningService(named.url, `variable ${named.variable}`);
  }
  if (usualUrl === undefined) return undefined;
  try {
    await probe(usualUrl, probeMs);
  } catch {
    return undefined;
  }
  return runningService(usualUrl, "usual port");
}

/** For people to read. */
export function withoutPassword(text: string): string {
  const url = URL.parse(text);
  if (url === null) return "no URL";
  return `${url.protocol}//${url.host}${url.pathname}`;
}
