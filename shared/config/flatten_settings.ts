import { isSetting, type Setting, type Settings } from "./setting.ts";

/** A setting with every name it goes by. */
export interface NamedSetting {
  /** `backend.db.host` */
  readonly key: string;
  /** `db-host`: the key below its service, or the whole key where two services share that. */
  readonly flag: string;
  /** `APP_BACKEND_DB_HOST` */
  readonly variable: string;
  readonly setting: Setting<unknown, string>;
}

/** Every setting of a command's sections (`log`, `backend`, …), in the order of the tables. */
export function flattenSettings(sections: Settings): readonly NamedSetting[] {
  const found: { path: readonly string[]; setting: Setting<unknown, string> }[] = [];
  const descend = (entries: Settings, path: readonly string[]) => {
    for (const [name, entry] of Object.entries(entries)) {
      if (isSetting(entry)) found.push({ path: [...path, name], setting: entry });
      else descend(entry, [...path, name]);
    }
  };
  descend(sections, []);

  const dashed = (path: readonly string[]) => path.join("-").replaceAll("_", "-");
  const short = (path: readonly string[]) => dashed(path[0] === "log" ? path : path.slice(1));
  const uses = Map.groupBy(found, ({ path }) => short(path));
  return found.map(({ path, setting }) => ({
    key: path.join("."),
    flag: uses.get(short(path))!.length > 1 ? dashed(path) : short(path),
    variable: `APP_${path.join("_").toUpperCase()}`,
    setting,
  }));
}
