import { sql } from "kysely";
import { measures } from "#shared/telemetry/measures.ts";

/** The columns of what readings measure, in the order of `measures`. */
export const measureColumns = sql.join(measures.map(({ column }) => sql.ref(column)));
