import type { RunnableCommand } from "#shared/command/command_spec.ts";
import { backendCommand } from "../backend/main.ts";
import { frontendCommand } from "../frontend/main.ts";
import { generatorCommand } from "../generator/main.ts";
import { deadLettersCommand } from "./dead_letters/dead_letters.ts";
import { devCommand } from "./dev/dev.ts";
import { migrateCommand } from "./migrate/migrate.ts";
import { parkedCommand } from "./parked/parked.ts";
import { historyCommand } from "./history/history.ts";
import { retentionCommand } from "./retention/retention.ts";
import { storageCommand } from "./storage/storage.ts";
import { rollupsCommand } from "./rollups/rollups.ts";
import { verifyCommand } from "./verify/verify.ts";

/** What `demo-app` can do, in the order of its help. */
export const commands: readonly RunnableCommand[] = [
  devCommand,
  generatorCommand,
  backendCommand,
  frontendCommand,
  migrateCommand,
  deadLettersCommand,
  parkedCommand,
  historyCommand,
  retentionCommand,
  storageCommand,
  rollupsCommand,
  verifyCommand,
];
