import type { ClientBase } from "pg";

/** A setting of a session, by the server's name for it, in the unit that `pg_settings` counts it in. */
export interface SessionSetting {
  readonly name: string;
  readonly value: number;
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
  always("idle_in_transaction_session_timeout", 0),
  always("tcp_keepalives_idle", 30),
  always("tcp_keepalives_interval", 10),
  always("tcp_keepalives_count", 3),
];

function always(name: string, value: number): SessionSetting {
  return { name, value, rule: "always" };
}

/** Sets what the server knows of the settings, by their rules, for as long as the session lives. */
export async function applySettings(
  client: Pick<ClientBase, "query">,
  settings: readonly SessionSetting[],
): Promise<void> {
  await client.query(
    `select set_config(name, wanted.value::text, false)
    from json_to_recordset($1) as wanted(name text, value bigint, rule text)
    join pg_settings using (name)
    where case rule
      when 'unless_set' then setting = '0'
      when 'at_most' then setting = '0' or setting::bigint > wanted.value
      else true
    end`,
    [JSON.stringify(settings)],
  );
}
