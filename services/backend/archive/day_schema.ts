import type { SchemaElement } from "hyparquet";
import type { ArchivedMeasure } from "./archived_measure.ts";

const identity: readonly SchemaElement[] = [
  { name: "tenant_id", type: "INT32" },
  {
    name: "device_id",
    type: "BYTE_ARRAY",
    converted_type: "UTF8",
    logical_type: { type: "STRING" },
  },
  {
    name: "timestamp",
    type: "INT64",
    logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "NANOS" },
  },
  { name: "tie_break", type: "INT64" },
];

/** The columns of a day's file, behind their root: what identifies a reading, then what it measured. */
export function daySchema(measured: readonly ArchivedMeasure[]): SchemaElement[] {
  const columns: readonly SchemaElement[] = [
    ...identity.map((element) => ({ ...element, repetition_type: "REQUIRED" as const })),
    ...measured.map(({ column, optional }) => ({
      name: column,
      type: "DOUBLE" as const,
      repetition_type: optional ? "OPTIONAL" as const : "REQUIRED" as const,
    })),
  ];
  return [{ name: "readings", num_children: columns.length }, ...columns];
}

/** As DuckDB copies an instant; the nanoseconds past it are in the tie break, too. */
const copiedInstant = "TIMESTAMP(MICROS, UTC)";

/**
 * Why a file's columns are not those of a day's file; undefined if they are. Their
 * order is free, and so is whether they may be empty, since programs that copy a
 * file often allow it everywhere. Optional measures may be missing, as in a file
 * from before there were such.
 */
export function schemaProblem(
  [root, ...columns]: readonly SchemaElement[],
  measured: readonly ArchivedMeasure[],
): string | undefined {
  const [, ...wanted] = daySchema(measured);
  const found = new Map(columns.map((element) => [element.name, element]));
  const missing = wanted.find(({ name, repetition_type }) =>
    repetition_type === "REQUIRED" && !found.has(name)
  );
  if (missing !== undefined) return `it has no column ${missing.name}`;
  for (const element of wanted) {
    const column = found.get(element.name);
    if (column === undefined) continue;
    const [kind, wantedKind] = [kindOf(column), kindOf(element)];
    if (kind === wantedKind || (element.name === "timestamp" && kind === copiedInstant)) continue;
    return `its column ${element.name} is ${kind}, not ${wantedKind}`;
  }
  const unknown = columns.find(({ name }) => wanted.every((element) => element.name !== name));
  if (unknown !== undefined) return `it has a column ${unknown.name}, which no reading has`;
  return root?.num_children === found.size ? undefined : "its columns are nested or named twice";
}

/** Whether a file's instants lack the nanoseconds past the microsecond. */
export function hasCopiedInstants(schema: readonly SchemaElement[]): boolean {
  return schema.some((column) => column.name === "timestamp" && kindOf(column) === copiedInstant);
}

/** A column's type as people name it: equal for columns that hold the same. */
function kindOf(element: SchemaElement): string {
  const { type, logical_type: logical, converted_type: converted } = element;
  if (type === undefined) return "a group";
  if (element.repetition_type === "REPEATED") return "a list";
  if (logical?.type === "TIMESTAMP") {
    return `TIMESTAMP(${logical.unit}, ${logical.isAdjustedToUTC ? "UTC" : "no time zone"})`;
  }
  if (logical?.type === "INTEGER") {
    return `${logical.isSigned ? "INT" : "UINT"}${logical.bitWidth}`;
  }
  if (logical?.type === "STRING" || converted === "UTF8") return "STRING";
  if (logical !== undefined) return logical.type;
  // As older writers name a signed integer that fills its type.
  if (converted === "INT_32" || converted === "INT_64") return type;
  return converted ?? type;
}
