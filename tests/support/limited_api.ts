import type { ServiceImpl } from "@connectrpc/connect";
import { getLogger } from "@logtape/logtape";
import { Registry } from "prom-client";
import { IoTService } from "#shared/gen/iot/v1/iot_service_pb.ts";
import type { ApiLimits } from "../../services/backend/rpc_server/api_limits.ts";
import { serveApi } from "../../services/backend/rpc_server/serve_api.ts";
import { waitUntil } from "./wait_until.ts";

/** A server with limits of its own, and what it has counted and logged. */
export async function limitedApi(
  implementation: Partial<ServiceImpl<typeof IoTService>>,
  limits: Partial<ApiLimits> = {},
) {
  const registry = new Registry();
  const logged: unknown[][] = [];
  const api = await serveApi({
    host: "127.0.0.1",
    port: 0,
    portKey: "backend.grpc_port",
    registry,
    log: Object.create(getLogger("test"), {
      error: { value: (...given: unknown[]) => logged.push(given) },
    }),
    health: { ready: () => true },
    routes: (router) => router.service(IoTService, implementation),
    limits,
    graceMs: 100,
  });
  const count = async (name: string, label: string) => {
    const line = (await registry.metrics()).split("\n")
      .find((line) => line.startsWith(`${name}{`) && line.includes(label));
    return Number(line?.slice(line.lastIndexOf(" ")));
  };
  return {
    port: api.port,
    url: api.url,
    logged,
    refused: (reason: string) => count("rpc_refused_total", `"${reason}"`),
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  };
}

/** Resolves once the server has ended the connection, which takes what it reads until then. */
export async function ended(connection: Deno.Conn): Promise<void> {
  let over = false;
  const reading = (async () => {
    const buffer = new Uint8Array(65_536);
    while (await connection.read(buffer) !== null);
  })().catch(() => {}).finally(() => over = true);
  await waitUntil(() => over, { what: "the end of the connection" });
  await reading;
}

/** What it resolves to, which must not take until the deadline. */
export async function inTime<Value>(value: Promise<Value>): Promise<Value> {
  let settled = false;
  value.catch(() => {}).finally(() => settled = true);
  await waitUntil(() => settled, { what: "what the server is to do" });
  return await value;
}
