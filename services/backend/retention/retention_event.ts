import type { DayFile } from "../archive/write_day_file.ts";
import type { KeptPart } from "../store/retention/kept_parts.ts";

/** What a step of retention did. */
export type RetentionEvent =
  /** Days are to be packed again that a person wanted as rows. */
  | { readonly did: "pack again"; readonly days: readonly string[] }
  /** A partition takes no more readings, and goes next. */
  | { readonly did: "close"; readonly name: string }
  | {
    readonly did: "archive";
    readonly part: KeptPart;
    readonly day: string;
    readonly file: DayFile;
  }
  /** `count` readings, or buckets of a rollup. */
  | { readonly did: "drop"; readonly part: KeptPart; readonly count: number }
  /** Rows of a day, from a partition that stays; some of them, maybe. */
  | {
    readonly did: "delete";
    readonly part: KeptPart;
    readonly day: string;
    readonly count: number;
  };
