import type { RawBuilder } from "kysely";

/**
 * What carries tables over while they are in use, before a migration's `up` in
 * its transaction. Whoever runs it looks first whether it is done, so that an
 * interrupted migration goes on where it was; none holds up those who write.
 */
export type OnlineStep = NewTable | NewColumn | NewIndex | NewCheck | NewForeignKey;

/** A table that nobody uses yet, with what it holds at first. */
export interface NewTable {
  readonly adds: "table";
  readonly table: string;
  /** Harmless where they were run before. */
  readonly statements: readonly RawBuilder<unknown>[];
}

export interface NewColumn {
  readonly adds: "column";
  readonly table: string;
  readonly column: string;
  /** Its type, and no more than what rewrites no row: a default must be a constant. */
  readonly definition: RawBuilder<unknown>;
}

/** Built concurrently: writers go on. */
export interface NewIndex {
  readonly adds: "index";
  readonly table: string;
  readonly index: string;
  readonly unique: boolean;
  readonly columns: RawBuilder<unknown>;
  /** For the operator, once it is built. */
  readonly note?: string;
}

/** Holds for new rows at once; the others are checked while writers go on. */
export interface NewCheck {
  readonly adds: "check";
  readonly table: string;
  readonly constraint: string;
  readonly condition: RawBuilder<unknown>;
  /** One that goes for it. */
  readonly insteadOf?: string;
}

/** As a check. */
export interface NewForeignKey {
  readonly adds: "foreign key";
  readonly table: string;
  readonly constraint: string;
  readonly columns: RawBuilder<unknown>;
  readonly references: string;
}
