import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { Health, HealthCheckResponse_ServingStatus } from "#shared/gen/grpc/health/v1/health_pb.ts";
import { keptFor } from "#shared/lifecycle/kept_for.ts";
import { sleep } from "#shared/lifecycle/sleep.ts";

const { SERVING, NOT_SERVING, SERVICE_UNKNOWN } = HealthCheckResponse_ServingStatus;

export interface HealthOptions {
  /** The services that can be asked about; "", all of them, always can. */
  readonly services: ReadonlySet<string>;
  readonly ready: () => boolean | Promise<boolean>;
  /** How often watchers look, and how long an answer is kept for others, in milliseconds. */
  readonly pollMs: number;
  /** Longest that `ready` may take before it counts as false, in milliseconds. */
  readonly maxWaitMs: number;
}

/**
 * The gRPC health checking protocol. All services live in one process, on the
 * same database, so they are healthy together.
 */
export function healthService(options: HealthOptions): ServiceImpl<typeof Health> {
  const { services, pollMs } = options;
  const knows = (service: string) => service === "" || services.has(service);
  const current = keptFor(pollMs, async () => await isReady(options) ? SERVING : NOT_SERVING);
  return {
    async check({ service }) {
      if (!knows(service)) {
        throw new ConnectError(`no such service: ${JSON.stringify(service)}`, Code.NotFound);
      }
      return { status: await current() };
    },
    async *watch({ service }, { signal }) {
      let last: HealthCheckResponse_ServingStatus | undefined;
      while (!signal.aborted) {
        const status = knows(service) ? await current() : SERVICE_UNKNOWN;
        if (status !== last) yield { status };
        last = status;
        await sleep(pollMs, signal);
      }
      throw signal.reason;
    },
  };
}

async function isReady({ ready, maxWaitMs }: HealthOptions): Promise<boolean> {
  const answered = new AbortController();
  try {
    const late = sleep(maxWaitMs, answered.signal).then(() => false);
    return await Promise.race([ready(), late]);
  } catch {
    return false;
  } finally {
    answered.abort();
  }
}
