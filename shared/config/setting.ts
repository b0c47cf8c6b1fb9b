/**
 * One key of the configuration: how its text is read, what it means, and what
 * it is when nobody says. The same table gives the flags, the environment
 * variables, the file's keys, the defaults, `--help` and the types.
 */
export interface Setting<Value, Suffix extends string = ""> {
  /** One line for `--help`. */
  readonly doc: string;
  /** What stands for the value in `--help`, such as `port`. */
  readonly placeholder: string;
  /** As it would be typed; undefined where the key may be left out. */
  readonly default: string | undefined;
  /** Never shown, and readable from the file that `<VARIABLE>_FILE` names. */
  readonly secret: boolean;
  /** It is true or false: its flag may stand alone then, or begin with `--no-`. */
  readonly boolean?: boolean;
  /** Appended to the key in the config object: the unit of a bare number. */
  readonly suffix: Suffix;
  /** Reads the text, or throws an `Error` whose message says what was expected. */
  readonly parse: (text: string) => Value;
  /** Settings beside it that have no effect with such a value. A method, so that any value fits. */
  voids?(value: Value): VoidRule | undefined;
}

export interface VoidRule {
  /** The last parts of their keys. */
  readonly settings: readonly string[];
  /** What to give in place of a default that makes them void, such as `a URL postgres://…`. */
  readonly instead: string;
}

/** Settings by key, in snake_case, nested as in the file. */
export interface Settings {
  readonly [key: string]: Setting<unknown, string> | Settings;
}

type Camel<Key extends string> = Key extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : Key;

type ConfigKey<Key, Entry> = Key extends string
  ? Entry extends Setting<unknown, infer Suffix> ? `${Camel<Key>}${Suffix}` : Camel<Key>
  : never;

/** The object that a table of settings configures. */
export type ConfigOf<Table> = {
  readonly [Key in keyof Table as ConfigKey<Key, Table[Key]>]: Table[Key] extends
    Setting<infer Value, string> ? Value
    : ConfigOf<Table[Key]>;
};

export function isSetting(
  entry: Setting<unknown, string> | Settings,
): entry is Setting<unknown, string> {
  return typeof entry["parse"] === "function";
}
