import type { Kysely } from "kysely";
import { FileInUseError } from "../archive/file_in_use_error.ts";
import type { Database } from "../store/database.ts";
import { packAgain } from "../store/history/list_days.ts";
import { closeOldest } from "../store/partitions/close_days.ts";
import { dayMicros, dayOf, isoDay } from "../store/partitions/days.ts";
import { listPartitions, type Partition } from "../store/partitions/list_partitions.ts";
import { countDays, type DayCounts } from "../store/retention/count_days.ts";
import { dropPart } from "../store/retention/drop_part.ts";
import { type DuePart, dueParts } from "../store/retention/due_parts.ts";
import { type KeptPart, keptParts } from "../store/retention/kept_parts.ts";
import { firstInstant } from "../store/retention/first_instant.ts";
import type { RowsTable } from "../store/retention/late_rows.ts";
import type { ReadingsTable } from "../store/retention/read_day.ts";
import { dueUntil, type RetentionPolicy } from "../store/retention/retention_policy.ts";
import { isRolledUp } from "../store/retention/is_rolled_up.ts";
import type { MigrationContext } from "../store/schema/migration_turn.ts";
import { archiveDay } from "./archive_day.ts";
import { type LateSweep, sweep, sweepArchived } from "./late_sweep.ts";
import type { RetentionEvent } from "./retention_event.ts";

export interface RetainerOptions {
  readonly db: Kysely<Database>;
  readonly policy: RetentionPolicy;
  /** Where readings are written to before they are dropped, if they are. */
  readonly archive: string | undefined;
  /** Unix milliseconds: what a clock that is ahead shows must not be believed. */
  readonly nowMs: () => Promise<number>;
  readonly log: MigrationContext["log"];
}

/** What is archived of a partition, by day. */
interface Archiving {
  /** What is to be archived. */
  readonly counts: DayCounts;
  readonly archived: Map<string, number>;
  /** Whether it has changed before, while it was archived. */
  readonly again: boolean;
}

/**
 * Drops what is due, by steps: each is whole by itself, and what one who was
 * interrupted has left undone is done by the next one. What is archived, and is
 * not dropped yet, is compared with its file then, and not written again.
 */
export class Retainer {
  readonly #options: RetainerOptions;
  readonly #archiving = new Map<string, Archiving>();
  readonly #sweeps = new Map<string, LateSweep>();

  constructor(options: RetainerOptions) {
    this.#options = options;
  }

  /** Does something, if something is due that may go. */
  async step(signal: AbortSignal): Promise<RetentionEvent | undefined> {
    try {
      return await this.#step(signal);
    } catch (error) {
      // Of several replicas that share the directory, one archives.
      if (error instanceof FileInUseError) return undefined;
      throw error;
    }
  }

  async #step(signal: AbortSignal): Promise<RetentionEvent | undefined> {
    const { db, policy, log } = this.#options;
    const nowMs = await this.#options.nowMs();
    if (policy.packs && policy.expandedMs < Infinity) {
      const days = await packAgain(db, isoDay((nowMs - policy.expandedMs) * 1_000));
      if (days.length > 0) return { did: "pack again", days };
    }
    const parts = await keptParts(db);
    // From then on nobody writes to it.
    const closed = await closeOldest(db, dayOf(dueUntil(policy, nowMs).rows), { log, signal });
    if (closed !== undefined) return await this.#closed(closed, parts);
    for (const part of dueParts(parts, policy, nowMs)) {
      const event = await this.#advance(part, signal);
      if (event !== undefined) return event;
    }
    return undefined;
  }

  /** What is empty is dropped as it is closed. */
  async #closed(
    { name }: Partition,
    parts: readonly KeptPart[],
  ): Promise<RetentionEvent> {
    const stays = (await listPartitions(this.#options.db, "closed_readings"))
      .some((partition) => partition.name === name);
    const part = parts.find(({ partition }) => partition.name === name);
    return stays || part === undefined ? { did: "close", name } : { did: "drop", part, count: 0 };
  }

  async #advance(part: DuePart, signal: AbortSignal): Promise<RetentionEvent | undefined> {
    const { table } = part;
    if (part.rowsBeforeMicros !== undefined) {
      return await this.#delete(part, table as RowsTable, part.rowsBeforeMicros, signal);
    }
    if (part.kind !== "rows" && part.kind !== "history") return await this.#drop(part, signal);
    if (!await isRolledUp(this.#options.db, part.partition)) return undefined;
    const { archive } = this.#options;
    if (archive === undefined) return await this.#drop(part, signal);
    const to = { directory: archive, signal };
    return await this.#archive(part, table as ReadingsTable, to) ?? await this.#drop(part, signal);
  }

  /** @returns undefined once all of it is archived. */
  async #archive(
    part: DuePart,
    table: ReadingsTable,
    to: { readonly directory: string; readonly signal: AbortSignal },
  ): Promise<RetentionEvent | undefined> {
    const { name } = part.partition;
    const archiving = this.#archiving.get(name) ?? {
      counts: await countDays(this.#options.db, part),
      archived: new Map<string, number>(),
      again: false,
    };
    this.#archiving.set(name, archiving);
    for (const day of archiving.counts.keys()) {
      if (archiving.archived.has(day)) continue;
      const { file } = await archiveDay(this.#options.db, table, Date.parse(day) * 1_000, to);
      archiving.archived.set(day, file?.readings ?? 0);
      if (file !== undefined) return { did: "archive", part, day, file };
    }
    return undefined;
  }

  async #drop(part: DuePart, signal: AbortSignal): Promise<RetentionEvent | undefined> {
    const { db, log } = this.#options;
    const { name } = part.partition;
    const archiving = this.#archiving.get(name);
    const context = { log, signal, archived: archiving?.archived };
    const outcome = await dropPart(db, part, context);
    if (archiving !== undefined && outcome.is === "changed") {
      return await this.#archiveAgain(part, archiving, signal);
    }
    this.#archiving.delete(name);
    return outcome.is === "dropped" ? { did: "drop", part, count: outcome.count } : undefined;
  }

  /** The days that are others than they were archived. */
  async #archiveAgain(
    part: DuePart,
    { archived, again }: Archiving,
    signal: AbortSignal,
  ): Promise<RetentionEvent | undefined> {
    const { name } = part.partition;
    this.#archiving.delete(name);
    if (again) {
      throw new Error(`Cannot drop ${name}: it has other readings than were archived of it`);
    }
    const counts = await countDays(this.#options.db, part);
    const same = [...archived].filter(([day, count]) => counts.get(day) === count);
    this.#archiving.set(name, { counts, archived: new Map(same), again: true });
    return await this.#advance(part, signal);
  }

  async #delete(
    part: DuePart,
    table: RowsTable,
    untilMicros: number,
    signal: AbortSignal,
  ): Promise<RetentionEvent | undefined> {
    const { db, archive: directory } = this.#options;
    const { name } = part.partition;
    const under = this.#sweeps.get(name);
    for (let count; (count = await under?.step()) !== undefined;) {
      if (count > 0) return { did: "delete", part, day: isoDay(under!.fromMicros), count };
    }
    this.#sweeps.delete(name);
    const first = await firstInstant(db, table, { fromMicros: -Infinity, untilMicros });
    if (first === undefined) return undefined;
    const fromMicros = dayOf(first);
    // What is left of a day of which rollups do not tell all has to wait, with all later ones.
    if (!await isRolledUp(db, { fromMicros, untilMicros: fromMicros + dayMicros })) {
      return undefined;
    }
    const options = { db, table, fromMicros };
    if (directory === undefined) {
      this.#sweeps.set(name, sweep(options));
      return await this.#delete(part, table, untilMicros, signal);
    }
    const { file, pages } = await archiveDay(db, table, fromMicros, { directory, signal });
    if (file === undefined) return undefined;
    this.#sweeps.set(name, sweepArchived(options, pages));
    return { did: "archive", part, day: isoDay(fromMicros), file };
  }
}
