import { Code, ConnectError } from "@connectrpc/connect";
import { IoTService } from "#shared/gen/iot/v1/iot_service_pb.ts";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import type { ApiRoutes } from "../rpc_server/api_routes.ts";
import { retryQuery } from "../store/connection/retry_query.ts";
import { isTransient, sqlState } from "../store/connection/write_failure.ts";
import type { QueryHandle } from "../store/database.ts";
import type { LaggingDevices } from "../store/devices/lagging_devices.ts";
import { DatabaseBusyError } from "../store/turns.ts";
import type { Caller } from "./ask.ts";
import { getAllDevice } from "./get_all_device.ts";
import { getDevice } from "./get_device.ts";
import { getSensorReadingByDeviceId } from "./get_sensor_reading_by_device_id.ts";

export interface IotServiceOptions {
  readonly queries: QueryHandle;
  /** What this backend has stored, and the rows of devices do not tell yet. */
  readonly lagging: LaggingDevices;
}

/** Adds `iot.v1.IoTService`, answered by queries of the database. */
export function iotService({ queries, lagging }: IotServiceOptions): ApiRoutes {
  const callerOf = (signal: AbortSignal): Caller => ({
    tenantId: defaultTenant,
    ask: (query) => retryQuery(signal, () => queries.run(signal, query)),
  });
  return (router, { large }) =>
    router.service(IoTService, {
      getAllDevice: (request, { signal, requestHeader }) =>
        getAllDevice(request, { ...callerOf(signal), lagging, large, signal, requestHeader }),
      getDevice: (request, { signal }) => getDevice(request, callerOf(signal)),
      getSensorReadingByDeviceID: (request, { signal }) =>
        getSensorReadingByDeviceId(request, callerOf(signal)),
    });
}

/** A statement that the server ended: it had its time. */
const cancelled = "57014";

/** What an error of the store means to a client, if it means anything. */
export function translateStoreError(error: unknown): ConnectError | undefined {
  if (error instanceof DatabaseBusyError) {
    return new ConnectError("too many queries at once; try again", Code.ResourceExhausted);
  }
  if (sqlState(error) === cancelled) {
    const message =
      "the query took longer than it may; ask for less, or set backend.db.query_timeout";
    return new ConnectError(message, Code.DeadlineExceeded);
  }
  return isTransient(error)
    ? new ConnectError("the database does not answer; try again", Code.Unavailable)
    : undefined;
}
