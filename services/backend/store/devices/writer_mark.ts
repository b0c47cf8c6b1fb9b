import { type Kysely, sql, type SqlBool } from "kysely";
import type { Database } from "../database.ts";

/** How often a mark is renewed, in milliseconds, and how long one holds that is not. */
const renewMs = 10_000;
const holdsMs = 60_000;
/** How long after that its backend counts as gone: while a write lasts, one that is there renews it. */
const abandonedMs = 180_000;

/**
 * Says in the database that this backend may have stored readings which the rows
 * of their devices do not tell yet. It is there before the first such reading
 * is, and stays when the backend is killed, until others have seen to it.
 */
export class WriterMark {
  readonly #db: Kysely<Database>;
  readonly #nowMs: () => number;
  #id: string | undefined;
  #madeMs = 0;
  #making: Promise<void> | undefined;
  /** The one that is being made. */
  #next: string | undefined;
  /** Those that are not needed any more, and may still be there. */
  readonly #left = new Set<string>();

  /** @param db The handle that the readings are written through. */
  constructor(db: Kysely<Database>, nowMs: () => number = Date.now) {
    this.#db = db;
    this.#nowMs = nowMs;
  }

  /** Of all marks of this backend. */
  get ids(): readonly string[] {
    return [...this.#left, this.#id, this.#next].filter((id) => id !== undefined);
  }

  /** Whether a write that begins now is told of. */
  get holds(): boolean {
    return this.#id !== undefined && !this.#isOlder(holdsMs);
  }

  /** Whether it is time to see whether it is needed, and to renew it if it is. */
  get due(): boolean {
    return this.#left.size > 0 || (this.#id !== undefined && this.#isOlder(renewMs));
  }

  /** Makes one, which holds from when this resolves. */
  async make(): Promise<void> {
    await (this.#making ??= this.#make().finally(() => this.#making = undefined));
  }

  async #make(): Promise<void> {
    // One that failed may be there all the same.
    const id = this.#next ??= crypto.randomUUID();
    const madeMs = this.#nowMs();
    await put(this.#db, id);
    this.#next = undefined;
    if (this.#id !== undefined) this.#left.add(this.#id);
    this.#id = id;
    this.#madeMs = madeMs;
  }

  async renew(): Promise<void> {
    const id = this.#id;
    if (id === undefined) return;
    const madeMs = this.#nowMs();
    await put(this.#db, id);
    if (this.#id === id) this.#madeMs = madeMs;
  }

  /** Takes it away, and what is left of others; a write that begins meanwhile makes another one. */
  async remove(): Promise<void> {
    if (this.#id !== undefined) this.#left.add(this.#id);
    this.#id = undefined;
    await this.tidy();
  }

  /** Leaves it to others, who see to it at once. */
  async abandon(): Promise<void> {
    if (this.#id === undefined) return;
    await this.#db.updateTable("lagging_writers")
      .set({ renewed_at: sql<Date>`'-infinity'::timestamptz` })
      .where("writer_id", "=", this.#id)
      .execute();
    this.#id = undefined;
  }

  /** Takes away what is left of earlier ones. */
  async tidy(): Promise<void> {
    const gone = [...this.#left];
    await removeMarks(this.#db, gone);
    for (const id of gone) this.#left.delete(id);
  }

  /** A clock that was set back, or a machine that slept, is no reason to trust an old one. */
  #isOlder(ms: number): boolean {
    const age = this.#nowMs() - this.#madeMs;
    return age < 0 || age > ms;
  }
}

async function put(db: Kysely<Database>, id: string): Promise<void> {
  await db.insertInto("lagging_writers")
    .values({ writer_id: id, renewed_at: sql<Date>`now()` })
    .onConflict((conflict) =>
      conflict.column("writer_id").doUpdateSet((row) => ({
        renewed_at: row.ref("excluded.renewed_at"),
      }))
    )
    .execute();
}

const isAbandoned = sql<
  SqlBool
>`renewed_at < now() - ${sql.lit(abandonedMs)} * interval '1 millisecond'`;

/** Marks of backends that are gone. */
export async function abandonedMarks(db: Kysely<Database>): Promise<readonly string[]> {
  const rows = await db.selectFrom("lagging_writers").select("writer_id").where(isAbandoned)
    .execute();
  return rows.map(({ writer_id }) => writer_id);
}

/** Takes away those of the marks that are still abandoned: a backend may have been slow only. */
export async function removeAbandoned(
  db: Kysely<Database>,
  ids: readonly string[],
): Promise<void> {
  await db.deleteFrom("lagging_writers")
    .where("writer_id", "=", sql<string>`any(${ids}::uuid[])`)
    .where(isAbandoned)
    .execute();
}

async function removeMarks(db: Kysely<Database>, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await db.deleteFrom("lagging_writers")
    .where("writer_id", "=", sql<string>`any(${ids}::uuid[])`)
    .execute();
}
