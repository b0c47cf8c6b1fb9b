import { ConfigError, type ConfigIssue } from "#shared/config/config_error.ts";
import { formatDuration } from "#shared/config/duration.ts";
import type { RetentionConfig } from "./config.ts";

/**
 * @param command Whose settings these are.
 * @throws {ConfigError} if some of them are void, or contradict each other.
 */
export function checkRetention(command: string, { history, retention }: RetentionConfig): void {
  const issues: ConfigIssue[] = [];
  const { rawMs, historyMs, archive } = retention;
  if (history.compaction) {
    const after = formatDuration(history.afterMs);
    const refuse = (key: string, ms: number, why: string) => {
      if (ms >= history.afterMs) return;
      const problem = `expected at least ${after}, which backend.history.after is: ${why}`;
      issues.push({ key, value: formatDuration(ms), problem });
    };
    refuse("backend.retention.raw", rawMs, "readings are rows until then");
    refuse("backend.retention.history", historyMs, "readings would be packed to be dropped");
  }
  if (archive !== undefined && rawMs === Infinity && historyMs === Infinity) {
    issues.push({
      key: "backend.retention.archive",
      value: archive,
      problem: "it has no effect where readings are kept forever; leave it out, or say how long " +
        "with backend.retention.raw or backend.retention.history",
    });
  }
  if (issues.length > 0) throw new ConfigError(command, issues);
}
