import { formatDuration, parseDuration } from "./duration.ts";
import { parseInstant } from "./rfc3339.ts";
import type { Setting, VoidRule } from "./setting.ts";

interface Described<Default = string> {
  readonly doc: string;
  readonly default: Default;
}

function setting<Value, Suffix extends string = "">(
  described: { readonly doc: string; readonly default: string | number | boolean | undefined },
  placeholder: string,
  parse: (text: string) => Value,
  more: {
    readonly suffix?: Suffix;
    readonly secret?: boolean;
    readonly boolean?: boolean;
  } = {},
): Setting<Value, Suffix> {
  return {
    doc: described.doc,
    placeholder,
    default: described.default === undefined ? undefined : String(described.default),
    secret: more.secret ?? false,
    boolean: more.boolean ?? false,
    // The default of the type parameter is the default here.
    suffix: more.suffix ?? "" as Suffix,
    parse,
  };
}

function nonEmpty(text: string): string {
  if (text.trim() === "") throw new Error("expected some text");
  return text;
}

const earliestUs = Date.UTC(2000, 0) * 1_000;
const latestUs = Date.UTC(2200, 0) * 1_000;

/** Any text but the empty one. */
export function text(described: Described & { readonly placeholder?: string }): Setting<string> {
  return setting(described, described.placeholder ?? "text", nonEmpty);
}

/** The path of a file that may be left out. */
export function filePath(described: Described<undefined>): Setting<string | undefined> {
  return setting(described, "file", nonEmpty);
}

/** The path of a directory that may be left out. */
export function directoryPath(described: Described<undefined>): Setting<string | undefined> {
  return setting(described, "directory", nonEmpty);
}

/** An instant in RFC 3339 that may be left out, in microseconds since 1970; of 2000 to 2199. */
export function instant(described: Described<undefined>): Setting<number | undefined, "Us"> {
  return setting(described, "instant", (given) => {
    const micros = parseInstant(given);
    if (micros === undefined || !(micros >= earliestUs && micros < latestUs)) {
      throw new Error("expected an instant such as 2026-01-31T12:00:00Z, of 2000 to 2199");
    }
    return micros;
  }, { suffix: "Us" });
}

/** Text that is never shown; may be empty. */
export function secretText(described: Described): Setting<string> {
  return setting(described, "secret", (given) => given, { secret: true });
}

/** The same setting, which may be left out. */
export function optional<Value, Suffix extends string>(
  given: Setting<Value, Suffix>,
): Setting<Value | undefined, Suffix> {
  return { ...given, default: undefined };
}

/** The same setting, which with some values leaves others beside it without effect. */
export function voiding<Value, Suffix extends string>(
  given: Setting<Value, Suffix>,
  voids: (value: NonNullable<Value>) => VoidRule | undefined,
): Setting<Value, Suffix> {
  // Asked only of a setting that has a value.
  return { ...given, voids: (value) => voids(value as NonNullable<Value>) };
}

/** A whole number from `min` to `max`. */
export function wholeNumber(
  described: Described<number> & { readonly min: number; readonly max: number },
): Setting<number> {
  const { min, max } = described;
  return setting(described, "number", (given) => {
    const value = /^[+-]?\d+$/.test(given) ? Number(given) : NaN;
    if (!(value >= min && value <= max)) {
      throw new Error(`expected a whole number, ${min} to ${max}`);
    }
    return value;
  });
}

/** The address to listen on: this machine alone, unless another is given. */
export function listenHost(): Setting<string> {
  const doc = "address to listen on; 0.0.0.0 is all, where there is no authentication";
  return text({ doc, default: "127.0.0.1", placeholder: "host" });
}

/** A TCP port to listen on; 0 takes any free one. */
export function listenPort(described: Described<number>): Setting<number> {
  return setting(described, "port", (given) => {
    const value = /^\d+$/.test(given) ? Number(given) : NaN;
    if (!(value <= 65_535)) throw new Error("expected a port, 0 to 65535");
    return value;
  });
}

export function trueOrFalse(described: Described<boolean>): Setting<boolean> {
  return setting(described, "true|false", (given) => {
    if (given !== "true" && given !== "false") throw new Error("expected true or false");
    return given === "true";
  }, { boolean: true });
}

/** One of a closed list of words. */
export function oneOf<const Choice extends string>(
  choices: readonly Choice[],
  described: Described<Choice>,
): Setting<Choice> {
  return setting(described, choices.join("|"), (given) => {
    const chosen = choices.find((choice) => choice === given);
    if (chosen === undefined) throw new Error(`expected one of ${choices.join(", ")}`);
    return chosen;
  });
}

const dayMs = 86_400_000;

/** A span of time such as `500ms`, `1m30s` or `7d`, in milliseconds, from `minMs` to `maxMs`. */
export function duration(
  described: Described & {
    readonly minMs: number;
    /** A day, unless given. */
    readonly maxMs?: number;
  },
): Setting<number, "Ms"> {
  const { minMs, maxMs = dayMs } = described;
  const example = maxMs > dayMs ? "5s, 1m30s or 7d" : "500ms, 5s or 1m30s";
  return setting(described, "duration", (given) => {
    const value = parseDuration(given);
    if (value === undefined || value < minMs || value > maxMs) {
      throw new Error(
        `expected a duration such as ${example}, from ${formatDuration(minMs)} to ` +
          formatDuration(maxMs),
      );
    }
    return value;
  }, { suffix: "Ms" });
}

/**
 * A span of time such as `90d` or `10y`, in milliseconds, of at least `minMs`; or
 * a word that stands for one without end, which is Infinity.
 */
export function durationOr(
  word: string,
  described: Described & { readonly minMs: number },
): Setting<number, "Ms"> {
  const { minMs } = described;
  return setting(described, `duration|${word}`, (given) => {
    const value = given === word ? Infinity : parseDuration(given);
    if (value === undefined || value < minMs) {
      throw new Error(
        `expected a duration such as 90d or 10y, of at least ${formatDuration(minMs)}, or ${word}`,
      );
    }
    return value;
  }, { suffix: "Ms" });
}

/** A URL with one of `protocols` (`amqp:`, …). Secret, since it may hold a password. */
export function secretUrl<const Default extends string | undefined>(
  protocols: readonly string[],
  described: Described<Default>,
): Setting<Default extends undefined ? URL | undefined : URL> {
  const expected = `expected a URL: ${protocols.map((protocol) => `${protocol}//…`).join(", ")}`;
  return setting(described, "url", (given) => {
    const url = URL.parse(given);
    if (url === null || !protocols.includes(url.protocol)) throw new Error(expected);
    return url;
  }, { secret: true });
}
