import { sql } from "kysely";
import { type MeasuredColumns, measures } from "#shared/telemetry/measures.ts";

/** The columns of what readings measure, in the order of `measures`. */
export const measureColumnNames: readonly (keyof MeasuredColumns)[] = measures.map(
  ({ column }) => column,
);

/** The same as a list in a statement's text. */
export const measureColumns = sql.join(measureColumnNames.map((column) => sql.ref(column)));
