import type { ClientBase } from "pg";
import type { LocalSetting } from "./statements/local_settings.ts";

/** A setting of a session. */
export interface SessionSetting extends LocalSetting {
  /**
   * `always`; `unless_set`, where the role or the database sets none; or
   * `at_most`, where they set none or a larger one.
   */
  readonly rule: "always" | "unless_set" | "at_most";
}

/**
 * For a session that may be silent for hours: nothing but the loss of its
 * connection ends it, and that the server notices within a minute or so. (The
 * advisory lock of a session that was left alone would stop all others.)
 */
export const unlimited: readonly SessionSetting[] = [
  ...["statement_timeout", "lock_timeout", "transaction_timeout"].map((name) => always(name, 0)),
  ...watched(),
  committed(),
  uncompiled(),
  unlocked(),
];

/**
 * Frees what a transaction holds where its program is gone without a word, or
 * has stopped for good: others wait for that.
 */
function watched(): readonly SessionSetting[] {
  return [
    always("idle_in_transaction_session_timeout", 60_000),
    always("tcp_keepalives_idle", 30),
    always("tcp_keepalives_interval", 10),
    always("tcp_keepalives_count", 3),
  ];
}

/** For a session that answers callers. */
export function reading(timeoutMs: number): readonly SessionSetting[] {
  return [
    { name: "statement_timeout", value: timeoutMs, rule: "at_most" },
    committed(),
    uncompiled(),
  ];
}

/**
 * For a session that writes what the queues bring. Its statements go by keys: to
 * read all devices for a thousand of them never pays for long, whatever the
 * planner believes of a fleet.
 *
 * @param silenceMs Longest that a statement may go without an answer.
 */
export function writing(silenceMs: number): readonly SessionSetting[] {
  return [
    // Ends a wait for a lock before the silence does: the server does not notice that its client
    // has gone, and each try would leave a session there, waiting.
    { name: "lock_timeout", value: silenceMs * 0.8, rule: "unless_set" },
    ...watched(),
    always("enable_seqscan", 0),
    committed(),
    uncompiled(),
    unlocked(),
  ];
}

/**
 * Who has waited for a lock counts on seeing what was committed before it had it,
 * whatever the role or the database would have.
 */
function committed(): SessionSetting {
  return always("default_transaction_isolation", "read committed");
}

/**
 * The planner's guess of what many devices have would call for compiling a
 * statement, which takes longer than the statement itself.
 */
function uncompiled(): SessionSetting {
  return always("jit", 0);
}

/**
 * Without it, Citus lets one write at a time have a shard, whatever its rows.
 * That is for tables of which it keeps copies by itself, and none here is one.
 */
function unlocked(): SessionSetting {
  return always("citus.all_modifications_commutative", 1);
}

function always(name: string, value: number | string): SessionSetting {
  return { name, value, rule: "always" };
}

/** How a session began. */
export interface SessionStart {
  /** Whether a pooler stands between, so that the next transaction may be another session's. */
  readonly pooled: boolean;
  /** Settings that the server knows, and that their rules give to this session. */
  readonly settings: readonly LocalSetting[];
}

interface StartedRow {
  readonly pooled: boolean;
  /** Null where there is no setting to make. */
  readonly name: string | null;
  readonly value: string | null;
}

/**
 * Sets what the server knows of the settings, by their rules, for as long as
 * the session lives; behind a pooler it only tells which they are, since the
 * server's session is anybody's. A pooler names a session of its own when it is
 * asked for one, and the server's process, which only the server can tell, is
 * another: seen with PgBouncer, whatever its mode.
 */
export async function startSession(
  client: Pick<ClientBase, "query">,
  settings: readonly SessionSetting[],
): Promise<SessionStart> {
  // `pg` keeps it, and its types leave it out.
  const { processID } = client as unknown as { readonly processID: number | null };
  const { rows } = await client.query<StartedRow>(
    `select here.pooled, name, value,
      case when name is not null then set_config(name, value, here.pooled) end
    from (select pg_backend_pid() is distinct from $2::int as pooled) here
    left join (
      select name, wanted.value
      from json_to_recordset($1) as wanted(name text, value text, rule text)
      join pg_settings using (name)
      where case rule
        when 'unless_set' then setting = '0'
        when 'at_most' then setting = '0' or setting::bigint > wanted.value::bigint
        else true
      end
    ) given on true`,
    [JSON.stringify(settings), processID],
  );
  const applied = rows.flatMap(({ name, value }) =>
    name === null || value === null ? [] : [{ name, value }]
  );
  return { pooled: rows[0]!.pooled, settings: applied };
}
