import type { MissingService } from "../ignored_tests_report.ts";
import { findChromium } from "./find_chromium.ts";
import { findPgbouncer } from "./find_pgbouncer.ts";
import { installCommands } from "./install_commands.ts";

/** A program that tests start themselves, with what it is to do. */
export interface NeededProgram extends MissingService {
  /** How it is named to the runner, and to the tests. */
  readonly variable: string;
  readonly find: (named: string | undefined) => Promise<string | undefined>;
}

export const neededPrograms: readonly NeededProgram[] = [
  {
    name: "Chromium",
    variable: "TEST_CHROMIUM",
    support: "tests/support/chromium.ts",
    find: findChromium,
    supply: [
      ...installCommands("chromium", "--cask chromium"),
      "TEST_CHROMIUM=<path> deno task test",
    ],
  },
  {
    name: "PgBouncer",
    variable: "TEST_PGBOUNCER",
    support: "tests/support/pgbouncer.ts",
    find: findPgbouncer,
    supply: [
      ...installCommands("pgbouncer", "pgbouncer"),
      "TEST_PGBOUNCER=<path> deno task test",
    ],
  },
];
