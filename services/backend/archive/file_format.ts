import type { FileMetaData } from "hyparquet";
import project from "../../../deno.json" with { type: "json" };

const program = "demo-app version ";

/** As Parquet's readers take it apart. */
export const createdBy = `${program}${project.version}`;

/** Raised when a file means something else than it did. */
const version = 1;

const keys = { version: "demo-app.format", day: "demo-app.day", seals: "demo-app.seals" };

type Footer = Pick<FileMetaData, "created_by" | "key_value_metadata">;

/** What a row group is known by. */
export interface GroupSeal {
  /** Of its bytes in the file. */
  readonly crc32: number;
  /** Of its readings, as text. */
  readonly fingerprint: string;
}

/** What a file says of itself; the seals in the order of its row groups. */
export function fileMetadata(
  day: string,
  seals: readonly GroupSeal[],
): { key: string; value: string }[] {
  const sealed = seals.map(({ crc32, fingerprint }) => `${crc32}/${fingerprint}`).join(" ");
  return [
    { key: keys.version, value: String(version) },
    { key: keys.day, value: day },
    { key: keys.seals, value: sealed },
  ];
}

/** Whether only a newer release knows what a file means. */
export function isNewerFormat(footer: Footer): boolean {
  return Number(valueOf(footer, keys.version) ?? version) > version;
}

/**
 * The seals of a file's row groups; undefined if another program wrote it: those
 * keep what a file says of itself, whatever they change in it.
 */
export function sealsOf(footer: Footer): readonly GroupSeal[] | undefined {
  if (!footer.created_by?.startsWith(program)) return undefined;
  const sealed = valueOf(footer, keys.seals) ?? "";
  return sealed.split(" ").map((seal) => {
    const [crc32, fingerprint = ""] = seal.split("/");
    return { crc32: Number(crc32), fingerprint };
  });
}

function valueOf({ key_value_metadata = [] }: Footer, wanted: string): string | undefined {
  return key_value_metadata.find(({ key }) => key === wanted)?.value;
}
