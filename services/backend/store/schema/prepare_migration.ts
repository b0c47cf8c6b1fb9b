import { type Kysely, type RawBuilder, sql } from "kysely";
import type {
  NewCheck,
  NewColumn,
  NewForeignKey,
  NewTable,
  OnlineStep,
} from "#migrations/online_step.ts";
import type { Database } from "../database.ts";
import { buildIndex } from "./build_index.ts";
import { lockBriefly } from "./lock_briefly.ts";
import { runLongStep } from "./long_step.ts";
import type { MigrationContext } from "./migration_turn.ts";

/** Takes the steps that are not taken yet, in order, while others use the tables. */
export async function prepareMigration(
  session: Kysely<Database>,
  steps: readonly OnlineStep[],
  context: MigrationContext,
): Promise<void> {
  for (const step of steps) {
    if (step.adds === "table") await addTable(session, step);
    else if (step.adds === "column") await addColumn(session, step, context);
    else if (step.adds === "index") await buildIndex(session, step, context);
    else if (step.adds === "check") await addCheck(session, step, context);
    else await addForeignKey(session, step, context);
  }
}

async function addTable(session: Kysely<Database>, { statements }: NewTable): Promise<void> {
  await session.transaction().execute(async (transaction) => {
    for (const statement of statements) await statement.execute(transaction);
  });
}

async function addColumn(
  session: Kysely<Database>,
  { table, column, definition }: NewColumn,
  context: MigrationContext,
): Promise<void> {
  const { rows: [found] } = await sql`
    select from pg_attribute
    where attrelid = to_regclass(${table}) and attname = ${column} and not attisdropped`
    .execute(session);
  if (found !== undefined) return;
  await lockBriefly(session, [table], context, async (transaction) => {
    await sql`alter table ${sql.table(table)} add column ${sql.id(column)} ${definition}`
      .execute(transaction);
  });
}

async function addCheck(
  session: Kysely<Database>,
  { table, constraint, condition, insteadOf }: NewCheck,
  context: MigrationContext,
): Promise<void> {
  const add = sql`check (${condition})`;
  await addConstraint(session, { table, constraint, add, locks: [table], insteadOf }, context);
}

async function addForeignKey(
  session: Kysely<Database>,
  { table, constraint, columns, references }: NewForeignKey,
  context: MigrationContext,
): Promise<void> {
  const add = sql`foreign key (${columns}) references ${sql.table(references)} (${columns})`;
  const locks = [table, references];
  await addConstraint(session, { table, constraint, add, locks }, context);
}

interface NewConstraint {
  readonly table: string;
  readonly constraint: string;
  readonly add: RawBuilder<unknown>;
  readonly locks: readonly string[];
  readonly insteadOf?: string | undefined;
}

/** For new rows at first; then the others are checked. */
async function addConstraint(
  session: Kysely<Database>,
  { table, constraint, add, locks, insteadOf }: NewConstraint,
  context: MigrationContext,
): Promise<void> {
  const { rows: [found] } = await sql<{ readonly valid: boolean }>`
    select convalidated as valid from pg_constraint
    where conrelid = to_regclass(${table}) and conname = ${constraint}`.execute(session);
  if (found === undefined) {
    await lockBriefly(session, locks, context, async (transaction) => {
      if (insteadOf !== undefined) {
        await sql`alter table ${sql.table(table)} drop constraint ${sql.id(insteadOf)}`
          .execute(transaction);
      }
      await sql`
        alter table ${sql.table(table)} add constraint ${sql.id(constraint)} ${add} not valid`
        .execute(transaction);
    });
  }
  if (found?.valid === true) return;
  const statement = sql`
    alter table ${sql.table(table)} validate constraint ${sql.id(constraint)}`;
  await runLongStep(session, { table, makes: constraint, statement }, context);
}
