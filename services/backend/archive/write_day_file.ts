import { join } from "node:path";
import { crc32 } from "node:zlib";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { exists } from "#shared/disk/exists.ts";
import { measures } from "#shared/telemetry/measures.ts";
import type { ArchivedMeasure } from "./archived_measure.ts";
import { dayFileName, draftName } from "./day_file_name.ts";
import { daySchema } from "./day_schema.ts";
import { DraftFile } from "./draft_file.ts";
import { encodeRowGroup } from "./encode_row_group.ts";
import { createdBy, fileMetadata, type GroupSeal } from "./file_format.ts";
import { FileInUseError } from "./file_in_use_error.ts";
import { Fingerprint } from "./fingerprint.ts";
import { compressors } from "./page_codecs.ts";
import { readDayFile } from "./read_day_file.ts";
import { resizedGroups } from "./resized_groups.ts";
import type { RowGroup } from "./row_group.ts";
import { UnreadableFileError } from "./unreadable_file_error.ts";

const dayMicros = 86_400_000_000;
/** Codes of errors where the disk is full, or the user's part of it. */
const outOfRoom: ReadonlySet<unknown> = new Set(["ENOSPC", "EDQUOT"]);
const makeRoom = "; make room there, or name a directory that has it: " +
  "what is not archived is not dropped";

export interface DayFile {
  readonly path: string;
  readonly readings: number;
  readonly bytes: number;
  /** False where an older file held the same readings, and was left as it is. */
  readonly isNew: boolean;
}

export interface DayFileOptions {
  /** Readings in a row group, whatever the size of those given: encoding one blocks the thread. */
  readonly groupReadings?: number;
  readonly measured?: readonly ArchivedMeasure[];
  readonly signal?: AbortSignal;
}

/**
 * Writes a day's readings to a Parquet file in `directory`: whole, on the disk and
 * read back to the bit, or not at all. No file is ever changed: where the day has
 * one with other readings, the new one gets a number. One process at a time writes
 * a day.
 *
 * @param day in UTC, as `2026-11-18`
 * @returns undefined if the day has no readings: it gets no file then.
 * @throws {FileInUseError} if another process writes the day.
 * @throws {Error} that names the directory, if it cannot be written to; what the
 * groups throw; and at a reading that is not of the day.
 */
export async function writeDayFile(
  directory: string,
  day: string,
  groups: AsyncIterable<RowGroup>,
  { groupReadings = 100_000, measured = measures, signal }: DayFileOptions = {},
): Promise<DayFile | undefined> {
  const task = `Cannot archive ${day} in ${directory}`;
  await using draft = await toward(task, () => openDraft(directory, day));
  const seals: GroupSeal[] = [];
  let given = Fingerprint.none;
  const bytes = new ByteWriter();
  const writeOut = async () => {
    await draft.write(bytes.getBytes());
    bytes.index = 0;
  };
  const parquet = new ParquetWriter({
    writer: bytes,
    schema: daySchema(measured),
    codec: "ZSTD",
    compressors,
    createdBy,
  });
  await toward(task, writeOut);
  for await (const group of resizedGroups(groups, groupReadings)) {
    signal?.throwIfAborted();
    refuseOtherDays(day, group);
    const columnData = encodeRowGroup(group, measured);
    await parquet.write({ columnData, rowGroupSize: groupReadings });
    const fingerprint = Fingerprint.of(group);
    seals.push({ crc32: crc32(bytes.getBytes()), fingerprint: String(fingerprint) });
    given = given.plus(fingerprint);
    await toward(task, writeOut);
  }
  if (seals.length === 0) return undefined;
  parquet.kvMetadata = fileMetadata(day, seals);
  await parquet.finish();
  await toward(task, writeOut);
  return await toward(task, async () => {
    await draft.sync();
    if (!await holds(draft.path, given, measured, signal)) {
      throw new Error("what is read back is not what was written");
    }
    for (let number = 1;; number++) {
      const path = join(directory, dayFileName(day, number));
      const isNew = !await exists(path);
      if (isNew) await draft.publish(path);
      else if (!await holds(path, given, measured, signal)) continue;
      const { size } = await Deno.stat(path);
      return { path, readings: given.readings, bytes: size, isNew };
    }
  }, signal);
}

/** Says what for, where the disk refuses; not where `signal` ends it. */
async function toward<Result>(
  task: string,
  work: () => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    if (signal?.aborted) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    if (cause instanceof FileInUseError) throw new FileInUseError(`${task}: ${reason}`, { cause });
    const isFull = outOfRoom.has((cause as { readonly code?: unknown } | null)?.code);
    throw new Error(`${task}: ${reason}${isFull ? makeRoom : ""}`, { cause });
  }
}

async function openDraft(directory: string, day: string): Promise<DraftFile> {
  await Deno.mkdir(directory, { recursive: true });
  return await DraftFile.open(join(directory, draftName(day)));
}

function refuseOtherDays(day: string, { micros }: RowGroup): void {
  const from = Date.parse(`${day}T00:00:00Z`) * 1_000;
  if (micros.every((instant) => instant >= from && instant < from + dayMicros)) return;
  throw new Error(`Cannot archive a reading of another day as one of ${day}`);
}

/** Whether a file holds these readings; one that cannot be read holds others. */
async function holds(
  path: string,
  given: Fingerprint,
  measured: readonly ArchivedMeasure[],
  signal: AbortSignal | undefined,
): Promise<boolean> {
  let held = Fingerprint.none;
  try {
    for await (const group of readDayFile(path, measured)) {
      signal?.throwIfAborted();
      held = held.plus(Fingerprint.of(group));
    }
  } catch (error) {
    if (error instanceof UnreadableFileError) return false;
    throw error;
  }
  return String(held) === String(given);
}
