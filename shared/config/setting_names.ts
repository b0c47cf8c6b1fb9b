/** What a person knows a setting by. */
export interface SettingName {
  /** As it was given, `APP_BACKEND_DB_HOST` say; the flag, where only its default holds. */
  readonly written: string;
  /** With the key, if that is not part of it: `--db-host (backend.db.host)`. */
  readonly full: string;
}

/** The names of a command's settings, by their keys. */
export type SettingNames = ReadonlyMap<string, SettingName>;

/** A text that speaks of settings by their keys, with the names that the person knows. */
export function nameKeys(text: string, names: SettingNames): string {
  return text.replace(
    /[a-z_]+(?:\.[a-z0-9_]+)+/g,
    (word) => names.get(word)?.full ?? word,
  );
}
