import assert from "node:assert/strict";
import { type Kysely, sql } from "kysely";
import type { Database } from "../../services/backend/store/database.ts";

/** A statement of an older release, in its words. */
export interface OlderStatement {
  readonly name: string;
  readonly text: string;
  /** What the first row has, whatever else it has. */
  readonly answer: Readonly<Record<string, unknown>>;
  /** What its plan must not do. */
  readonly never: RegExp;
}

/** Checks that the statements, each in its turn, are answered and planned as they are to be. */
export async function answersOlder(
  db: Kysely<Database>,
  statements: readonly OlderStatement[],
  test: Deno.TestContext,
): Promise<void> {
  for (const { name, text, answer, never } of statements) {
    await test.step(name, async () => {
      const plan = await planOf(db, text);
      assert.doesNotMatch(plan, never, plan);
      const { rows: [first] } = await sql.raw<Record<string, unknown>>(text).execute(db);
      const told = Object.fromEntries(Object.keys(answer).map((key) => [key, first?.[key]]));
      assert.deepEqual(told, answer);
    });
  }
}

async function planOf(db: Kysely<Database>, text: string): Promise<string> {
  const { rows } = await sql.raw<{ "QUERY PLAN": string }>(`explain ${text}`).execute(db);
  return rows.map((row) => row["QUERY PLAN"]).join("\n");
}
