import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync } from "hyparquet";
import type { ArchivedMeasure } from "./archived_measure.ts";
import { schemaProblem } from "./day_schema.ts";
import { isNewerFormat } from "./file_format.ts";
import { readableCodecs } from "./page_codecs.ts";
import { UnreadableFileError } from "./unreadable_file_error.ts";

/** At both ends of a Parquet file. */
export const magic = "PAR1";
/** The magic word in front; metadata, their length and the magic word at the end. */
const leastBytes = 12;

/** Readings in a row group, which is held in memory as a whole. */
const largestGroup = 2 ** 21;

/**
 * What a file says that it holds, once that is known to be readings.
 *
 * @throws {UnreadableFileError} if it is not.
 * @throws {Error} whatever the library makes of a damaged footer.
 */
export async function dayFileFooter(
  path: string,
  file: AsyncBuffer,
  measured: readonly ArchivedMeasure[],
): Promise<FileMetaData> {
  const isParquet = file.byteLength >= magic.length && await textAt(file, 0) === magic;
  if (!isParquet) throw new UnreadableFileError("foreign", path, "it is no Parquet file");
  if (file.byteLength < leastBytes || await textAt(file, file.byteLength - 4) !== magic) {
    throw new UnreadableFileError("damaged", path, "it is cut short");
  }
  const footer = await parquetMetadataAsync(file, { geoparquet: false });
  const problem = problemOf(footer, measured);
  if (problem !== undefined) throw new UnreadableFileError("foreign", path, problem);
  return footer;
}

async function textAt(file: AsyncBuffer, at: number): Promise<string> {
  return new TextDecoder("latin1").decode(await file.slice(at, at + magic.length));
}

function problemOf(
  footer: FileMetaData,
  measured: readonly ArchivedMeasure[],
): string | undefined {
  if (isNewerFormat(footer)) return "a newer release has written it";
  const problem = schemaProblem(footer.schema, measured);
  if (problem !== undefined) return problem;
  for (const { num_rows, columns } of footer.row_groups) {
    if (num_rows > largestGroup) {
      return `it has ${num_rows} readings in one row group, more than ${largestGroup}`;
    }
    const codec = columns.map(({ meta_data }) => meta_data?.codec ?? "nothing")
      .find((codec) => !readableCodecs.has(codec));
    if (codec !== undefined) return `it is compressed by ${codec}`;
  }
  return undefined;
}
