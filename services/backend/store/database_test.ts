import assert from "node:assert/strict";
import { type SelectType, sql } from "kysely";
import { type MeasuredColumns, measures } from "#shared/telemetry/measures.ts";
import { eachDatabase } from "../../../tests/support/each_database.ts";
import type { Database } from "./database.ts";

/** PostgreSQL's names for what a column's values are read as. */
type Described<Value> = null extends Value ? `${TypeOf<NonNullable<Value>>} or null`
  : TypeOf<Value>;
type TypeOf<Value> = Value extends Date ? "timestamp with time zone"
  : Value extends number ? "bigint" | "double precision" | "integer" | "real"
  : Value extends string ? "bigint" | "date" | "text" | "tstzmultirange" | "uuid"
  : Value extends boolean ? "boolean"
  : Value extends Uint8Array ? "bytea"
  : never;

const measured = Object.fromEntries(
  measures.map(({ column, optional }) => [
    column,
    optional ? "double precision or null" : "double precision",
  ]),
  // By the table of measures, which the type is made of as well.
) as { [Column in keyof MeasuredColumns]: Described<MeasuredColumns[Column]> };
const latest = Object.fromEntries(
  measures.map(({ column }) => [`latest_${column}`, "double precision or null"]),
  // As above.
) as { [Column in keyof MeasuredColumns as `latest_${Column}`]: "double precision or null" };
const reading = {
  tenant_id: "integer",
  device_id: "text",
  timestamp: "timestamp with time zone",
  tie_break: "bigint",
  ...measured,
} as const;

const rolledUp = Object.fromEntries(
  measures.flatMap(({ column, optional }) => [
    ...(optional ? [[`${column}_count`, "integer"]] : []),
    ...["min", "max", "mean", "last"].map((name) => [`${column}_${name}`, measured[column]]),
  ]),
  // As above.
) as {
  [Column in Exclude<keyof Rollup, keyof typeof bucket>]: Described<SelectType<Rollup[Column]>>;
};
type Rollup = Database["rollups_minute"];
const bucket = {
  tenant_id: "integer",
  device_id: "text",
  starts_at: "timestamp with time zone",
  readings: "integer",
} as const;
const rollup = { ...bucket, ...rolledUp };

const history = {
  tenant_id: "integer",
  device_id: "text",
  first_at: "timestamp with time zone",
  last_at: "timestamp with time zone",
  readings: "integer",
  packed: "bytea",
} as const;

/** `Database`, held to the same tables, columns, types and nulls by the compiler. */
const tables = {
  tenants: { tenant_id: "integer", name: "text" },
  iot_devices: {
    tenant_id: "integer",
    device_id: "text",
    location: "text",
    mac_address: "text",
    ip_address: "text",
    firmware: "text",
    latitude: "real",
    longitude: "real",
    last_seen: "timestamp with time zone",
    described_at: "timestamp with time zone",
    latest_timestamp: "timestamp with time zone or null",
    latest_tie_break: "bigint or null",
    ...latest,
    typical_interval: "double precision or null",
    latest_for: "timestamp with time zone or null",
  },
  sensor_readings: reading,
  closed_readings: reading,
  parked_readings: {
    ...reading,
    parked_at: "timestamp with time zone",
    leaving_at: "timestamp with time zone or null",
    refused: "text or null",
  },
  sensor_history: history,
  staged_history: history,
  compactions: {
    partition: "text",
    stretch: "timestamp with time zone",
    tenant_id: "integer",
    device_id: "text",
    resumed_at: "timestamp with time zone or null",
    readings: "bigint",
  },
  compacted_days: {
    day: "date",
    readings: "bigint",
    row_bytes: "bigint",
    packed_bytes: "bigint",
    compacted_at: "timestamp with time zone",
    expanded: "boolean",
  },
  reading_progress: {
    only_row: "boolean",
    open_from: "timestamp with time zone",
    marking_until: "timestamp with time zone",
    rolled_until: "timestamp with time zone",
    minutes_dropped_until: "timestamp with time zone",
    hours_dropped_until: "timestamp with time zone",
    days_dropped_until: "timestamp with time zone",
    dropped: "tstzmultirange",
  },
  rollups_minute: rollup,
  rollups_hour: rollup,
  rollups_day: rollup,
  rollup_marks: { tenant_id: "integer", device_id: "text", hour: "timestamp with time zone" },
  lagging_writers: { writer_id: "uuid", renewed_at: "timestamp with time zone" },
  schema_floor: { must_know: "text", required_by: "text" },
} satisfies {
  [Table in keyof Database]: {
    [Column in keyof Database[Table]]: Described<SelectType<Database[Table][Column]>>;
  };
};

eachDatabase("The type Database", {
  async "says what the database describes"(db) {
    const { rows } = await sql<{ table: string; column: string; type: string }>`
      select table_name as "table", column_name as "column",
        data_type || case is_nullable when 'YES' then ' or null' else '' end as type
      from information_schema.columns
      where table_schema = 'public'
        and table_name not in (select relname from pg_class where relispartition)
        and table_name not like 'kysely\\_%' and table_name not like 'citus\\_%'`.execute(db);
    const described = Object.fromEntries(
      Map.groupBy(rows, ({ table }) => table).entries().map(([table, columns]) => [
        table,
        Object.fromEntries(columns.map(({ column, type }) => [column, type])),
      ]),
    );
    assert.deepEqual(described, tables);
  },
});
