import { Code, ConnectError } from "@connectrpc/connect";
import type { Kysely } from "kysely";
import { IoTService } from "#shared/gen/iot/v1/iot_service_pb.ts";
import type { Database } from "../store/database.ts";
import type { ApiRoutes } from "../rpc_server/api_routes.ts";
import { type Ask, getAllDevice } from "./get_all_device.ts";
import { getDevice } from "./get_device.ts";
import { getSensorReadingByDeviceId } from "./get_sensor_reading_by_device_id.ts";
import { isTransient } from "../store/write_failure.ts";
import { retryQuery } from "./retry_query.ts";

/** Adds `iot.v1.IoTService`, answered from `db`. */
export function iotService(db: Kysely<Database>): ApiRoutes {
  return (router, { large }) =>
    router.service(IoTService, {
      getAllDevice(request, { signal, requestHeader }) {
        const ask: Ask = (query) => retryQuery(signal, () => query(db));
        return getAllDevice(request, { ask, large, signal, requestHeader });
      },
      getDevice: (request, { signal }) => retryQuery(signal, () => getDevice(db, request)),
      getSensorReadingByDeviceID: (request, { signal }) =>
        retryQuery(signal, () => getSensorReadingByDeviceId(db, request)),
    });
}

/** What an error of the store means to a client, if it means anything. */
export function translateStoreError(error: unknown): ConnectError | undefined {
  return isTransient(error)
    ? new ConnectError("the database does not answer; try again", Code.Unavailable)
    : undefined;
}
