import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import type { Kysely } from "kysely";
import { IoTService } from "#shared/gen/iot/v1/iot_service_pb.ts";
import { DatabaseBusyError } from "../store/connection/turns.ts";
import type { Database, QueryHandle } from "../store/database.ts";
import { isTransient, sqlState } from "../store/write_failure.ts";
import { getAllDevice } from "./get_all_device.ts";
import { getDevice } from "./get_device.ts";
import { getSensorReadingByDeviceId } from "./get_sensor_reading_by_device_id.ts";
import { retryQuery } from "./retry_query.ts";

/** Adds `iot.v1.IoTService`, answered by queries of the database. */
export function iotService(queries: QueryHandle): (router: ConnectRouter) => void {
  /** An RPC that takes a session of the database, for as long as it needs one. */
  const answer =
    <Request, Response>(query: (db: Kysely<Database>, request: Request) => Promise<Response>) =>
    (request: Request, { signal }: { readonly signal: AbortSignal }) =>
      retryQuery(signal, () => queries.run(signal, (db) => query(db, request)));
  return (router) =>
    router.service(IoTService, {
      getAllDevice: answer(getAllDevice),
      getDevice: answer(getDevice),
      getSensorReadingByDeviceID: answer(getSensorReadingByDeviceId),
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
