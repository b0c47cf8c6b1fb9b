import type { Kysely } from "kysely";
import { onOneReplica } from "../store/connection/on_one_replica.ts";
import type { Database } from "../store/database.ts";
import { countMarks } from "../store/rollups/count_marks.ts";
import { firstReading } from "../store/rollups/first_reading.ts";
import { firstDevices, pacedDevices, partReadings } from "../store/rollups/paced_devices.ts";
import { rollMarks } from "../store/rollups/roll_marks.ts";
import { rollSlice, type Slice } from "../store/rollups/roll_slice.ts";
import { dayLevel, hourMicros } from "../store/rollups/rollup_levels.ts";
import {
  markUntil,
  rolledUntil,
  type RollupProgress,
  rollupProgress,
} from "../store/rollups/rollup_progress.ts";
import type { DeviceHour } from "../store/rollups/take_marks.ts";
import { writersUnderWay } from "../store/rollups/writers_under_way.ts";
import type { Job, JobOutcome } from "./job.ts";

/** In Unix microseconds, -Infinity where nothing is rolled up yet. */
export interface RollupState {
  readonly rolledUntilMicros: number;
  /** Until when it should be by now. */
  readonly dueMicros: number;
  /** Marks that wait, up to 100,000. */
  readonly marks: number;
}

export interface RollUpOptions {
  readonly db: Kysely<Database>;
  /** This machine's clock, in Unix milliseconds; the database's holds where it is behind. */
  readonly nowMs: () => number;
  /** Told at the end of each turn how far rollups are, whichever replica rolled up. */
  readonly onTurn: (state: RollupState) => void;
  /** Readings that a transaction rolls up, about; `partReadings` unless given. */
  readonly wantedReadings?: number;
}

/** Of its lock, which whoever else rolls up takes, too. */
export const rollUpName = "roll_up";
const intervalMs = 60_000;
/** From an hour's end until it is rolled up: what comes later has it rolled up again. */
const settleMicros = 5 * 60_000_000;
/** Marked hours a transaction, at most. */
const maxMarks = 100;
/** Hours a slice, at most. */
const mostHours = 24;
/** Marks that are counted, at most. */
const mostCounted = 100_000;

/** What this replica knows of how far it is; another may have gone on meanwhile. */
interface State {
  /** Who wrote when all were told to mark the hours of before `untilMicros`, and still does. */
  readonly waiting: { readonly untilMicros: number; readonly writers: ReadonlySet<string> };
  /** What is being rolled up; it holds only while rollups begin there. */
  readonly slice: Slice & { readonly fromMicros: number; readonly readings: number } | undefined;
  /** Readings of the slice before. */
  readonly lastReadings: number;
  /** Of the next slice. */
  readonly hours: number;
  /** Of the next part. */
  readonly devices: number;
  /** Marks up to it have been gone through. */
  readonly lastMark: DeviceHour | undefined;
}

interface Step {
  readonly state: State;
  readonly outcome: "done" | "more";
}

/**
 * Rolls up readings hour by hour, so that at every moment the database tells
 * which rollups are exact. First it has all who write mark the hours that it is
 * about to roll up; then it waits until nobody writes who began before that; then
 * it rolls up, some devices at a time. Hours that were marked are rolled up again.
 */
export function rollUpJob(options: RollUpOptions): Job {
  const { db, onTurn } = options;
  let state: State = {
    waiting: { untilMicros: -Infinity, writers: new Set() },
    slice: undefined,
    lastReadings: 0,
    hours: 1,
    devices: firstDevices,
    lastMark: undefined,
  };
  /** What it did is committed by the time that the state says so. */
  const alone = async (step: (session: Kysely<Database>) => Promise<Step>): Promise<JobOutcome> => {
    const done = await onOneReplica(db, rollUpName, step);
    if (done === undefined) return "elsewhere";
    state = done.state;
    return done.outcome;
  };
  const step = async () => {
    const advanced = await alone((session) => advance(session, state, options));
    if (advanced === "elsewhere") return advanced;
    const rolled = await alone((session) => rollMarked(session, state));
    return rolled === "done" ? advanced : rolled;
  };
  return {
    name: rollUpName,
    intervalMs,
    async run() {
      const outcome = await step();
      if (outcome === "more") return outcome;
      const progress = await rollupProgress(db);
      onTurn({
        rolledUntilMicros: progress.rolledUntilMicros,
        dueMicros: dueUntil(progress, options),
        marks: await countMarks(db, mostCounted),
      });
      return outcome;
    },
  };
}

/** Hours that ended before are to be rolled up. */
function dueUntil({ nowMicros }: RollupProgress, { nowMs }: Pick<RollUpOptions, "nowMs">): number {
  return floorTo(hourMicros, Math.min(nowMicros, nowMs() * 1_000) - settleMicros);
}

async function advance(
  session: Kysely<Database>,
  state: State,
  options: RollUpOptions,
): Promise<Step> {
  const { wantedReadings = partReadings } = options;
  const progress = await rollupProgress(session);
  const { rolledUntilMicros: fromMicros, markingUntilMicros } = progress;
  if (fromMicros >= markingUntilMicros) {
    const untilMicros = dueUntil(progress, options);
    if (untilMicros <= markingUntilMicros) return { state, outcome: "done" };
    await markUntil(session, untilMicros);
    return { state, outcome: "more" };
  }
  const waiting = await waitOn(session, state.waiting, markingUntilMicros);
  if (waiting.writers.size > 0) return { state: { ...state, waiting }, outcome: "done" };
  const ready = { ...state, waiting };
  if (state.slice?.fromMicros === fromMicros) {
    return await goOn(session, ready, state.slice, { progress, wantedReadings });
  }
  const next = state.lastReadings > 0 ? fromMicros : await skipEmpty(session, progress);
  if (next > fromMicros) return { state: { ...ready, slice: undefined }, outcome: "more" };
  const untilMicros = Math.min(
    fromMicros + state.hours * hourMicros,
    floorTo(dayLevel.bucketMicros, fromMicros) + dayLevel.bucketMicros,
    markingUntilMicros,
  );
  const slice = { fromMicros, untilMicros, after: undefined, readings: 0 };
  return await goOn(session, ready, slice, { progress, wantedReadings });
}

/** Those who began before everyone marked the hours of before `untilMicros`, and are still at it. */
async function waitOn(
  session: Kysely<Database>,
  waiting: State["waiting"],
  untilMicros: number,
): Promise<State["waiting"]> {
  if (waiting.untilMicros === untilMicros && waiting.writers.size === 0) return waiting;
  const now = await writersUnderWay(session);
  const writers = waiting.untilMicros === untilMicros ? now.intersection(waiting.writers) : now;
  return { untilMicros, writers };
}

/**
 * Goes from a day's beginning to the hour of the next reading, if that is later:
 * what comes between them from now on is marked.
 *
 * @returns where rollups are then.
 */
async function skipEmpty(
  session: Kysely<Database>,
  { rolledUntilMicros: fromMicros, markingUntilMicros }: RollupProgress,
): Promise<number> {
  if (floorTo(dayLevel.bucketMicros, fromMicros) !== fromMicros) return fromMicros;
  const first = await firstReading(session, fromMicros, markingUntilMicros);
  const next = floorTo(hourMicros, first ?? markingUntilMicros);
  if (next > fromMicros) await rolledUntil(session, next);
  return next;
}

async function goOn(
  session: Kysely<Database>,
  state: State,
  slice: NonNullable<State["slice"]>,
  { progress, wantedReadings }: {
    readonly progress: RollupProgress;
    readonly wantedReadings: number;
  },
): Promise<Step> {
  const part = await rollSlice(session, slice, { progress, maxDevices: state.devices });
  const readings = slice.readings + part.readings;
  const devices = pacedDevices(state.devices, part, wantedReadings);
  const next = { ...state, devices };
  if (part.next !== undefined) {
    return { state: { ...next, slice: { ...slice, ...part.next, readings } }, outcome: "more" };
  }
  const hours = readings > wantedReadings
    ? Math.ceil(state.hours / 2)
    : Math.min(2 * state.hours, mostHours);
  return {
    state: { ...next, slice: undefined, lastReadings: readings, hours },
    outcome: "more",
  };
}

async function rollMarked(session: Kysely<Database>, state: State): Promise<Step> {
  const progress = await rollupProgress(session);
  const rolled = await rollMarks(session, { after: state.lastMark, limit: maxMarks, progress });
  const more = rolled.length === maxMarks;
  // From the first one again, at the next turn.
  const lastMark = more ? rolled.at(-1) : undefined;
  return { state: { ...state, lastMark }, outcome: more ? "more" : "done" };
}

function floorTo(micros: number, instant: number): number {
  return Math.floor(instant / micros) * micros;
}
