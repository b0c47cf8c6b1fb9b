import type { Setting } from "#shared/config/setting.ts";

const units = [["d", 86_400_000], ["h", 3_600_000], ["m", 60_000], ["s", 1_000]] as const;

/** A setting for an age such as `90s`, `1h30m` or `7d`, in milliseconds; may be left out. */
export function age(doc: string): Setting<number | undefined, "Ms"> {
  return {
    doc,
    placeholder: "age",
    default: undefined,
    secret: false,
    suffix: "Ms",
    parse(text) {
      const parts = [...text.matchAll(/(\d+)([dhms])/g)];
      if (parts.length === 0 || parts.map(([part]) => part).join("") !== text) {
        throw new Error("expected an age such as 90s, 1h30m or 7d");
      }
      return parts.reduce((sum, [, count, unit]) => sum + Number(count) * msOf(unit!), 0);
    },
  };
}

function msOf(unit: string): number {
  return units.find(([name]) => name === unit)![1];
}

/** The largest two units of an age: `2d3h`, `45s`. */
export function formatAge(ms: number): string {
  let rest = Math.max(0, Math.floor(ms / 1_000)) * 1_000;
  const parts: string[] = [];
  for (const [name, size] of units) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count}${name}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.join("") || "0s";
}
