import { isSetting, type Settings } from "./setting.ts";

/** The same table with other defaults for some keys (`backend.db.url`). */
export function withDefaults<Table extends Settings>(
  table: Table,
  defaults: Readonly<Record<string, string>>,
): Table {
  const known = new Set<string>();
  const descend = (entries: Settings, path: string): Settings =>
    Object.fromEntries(
      Object.entries(entries).map(([name, entry]) => {
        const key = path + name;
        if (!isSetting(entry)) return [name, descend(entry, `${key}.`)];
        known.add(key);
        return [name, key in defaults ? { ...entry, default: defaults[key] } : entry];
      }),
    );
  // The same keys and kinds; only defaults differ, which the type leaves open.
  const changed = descend(table, "") as Table;
  for (const key of Object.keys(defaults)) {
    if (!known.has(key)) throw new Error(`Cannot give ${key} a default: there is no such setting`);
  }
  return changed;
}
