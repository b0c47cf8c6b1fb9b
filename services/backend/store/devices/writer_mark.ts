import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";

/** How often a mark is renewed, in milliseconds, and how long one holds that is not. */
const renewMs = 10_000;
const holdsMs = 60_000;
/** How long after that nobody writes under it any more: a write is given up sooner. */
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
  /** Those that are not needed any more, and may still be there. */
  readonly #left = new Set<string>();

  /** @param db The handle that the readings are written through. */
  constructor(db: Kysely<Database>, nowMs: () => number = Date.now) {
    this.#db = db;
    this.#nowMs = nowMs;
  }

  /** Of all marks of this backend. */
  get ids(): readonly string[] {
    return [...this.#left, ...this.#id === undefined ? [] : [this.#id]];
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
    const id = crypto.randomUUID();
    const madeMs = this.#nowMs();
    try {
      await put(this.#db, id);
    } catch (error) {
      // It may be there all the same.
      this.#left.add(id);
      throw error;
    }
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
  // What is written after it is durable only together with it.
  await db.with(
    "soon",
    (from) =>
      from.selectNoFrom(sql<string>`set_config('synchronous_commit', 'off', true)`.as("set")),
  ).insertInto("lagging_writers")
    .columns(["writer_id", "renewed_at"])
    .expression((from) =>
      from.selectFrom("soon").select([
        sql<string>`${id}::uuid`.as("writer_id"),
        sql<Date>`now()`.as("renewed_at"),
      ])
    )
    .onConflict((conflict) =>
      conflict.column("writer_id").doUpdateSet((row) => ({
        renewed_at: row.ref("excluded.renewed_at"),
      }))
    )
    .execute();
}

/** Marks of backends that are gone. */
export async function abandonedMarks(db: Kysely<Database>): Promise<readonly string[]> {
  const rows = await db.selectFrom("lagging_writers").select("writer_id")
    .where(
      "renewed_at",
      "<",
      sql<Date>`now() - ${abandonedMs}::float8 * interval '1 millisecond'`,
    )
    .execute();
  return rows.map(({ writer_id }) => writer_id);
}

export async function removeMarks(db: Kysely<Database>, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await db.deleteFrom("lagging_writers")
    .where("writer_id", "=", sql<string>`any(${ids}::uuid[])`)
    .execute();
}
