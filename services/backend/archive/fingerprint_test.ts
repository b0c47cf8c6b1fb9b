import assert from "node:assert/strict";
import {
  type ArchivedReading,
  archivedReading,
  archivedReadings,
  rowGroup,
} from "../../../tests/support/archived_readings.ts";
import { Fingerprint } from "./fingerprint.ts";

function printOf(...readings: readonly ArchivedReading[]): string {
  return String(Fingerprint.of(rowGroup(readings)));
}

const reading = archivedReading(7);

Deno.test("Fingerprint is the same for the same readings, in whatever order and parts", () => {
  const readings = archivedReadings(20);
  const whole = printOf(...readings);
  assert.equal(printOf(...readings.toReversed()), whole);
  const parts = [readings.slice(0, 7), readings.slice(7)].map((part) =>
    Fingerprint.of(rowGroup(part))
  );
  assert.equal(String(parts.reduce((sum, part) => sum.plus(part), Fingerprint.none)), whole);
  assert.match(whole, /^20-[0-9a-f]{16}$/);
});

Deno.test("Fingerprint differs wherever a reading does", () => {
  const [first, ...others] = reading.values;
  const different: readonly ArchivedReading[] = [
    reading,
    { ...reading, tenantId: reading.tenantId + 1 },
    { ...reading, deviceId: `${reading.deviceId}0` },
    { ...reading, micros: reading.micros + 1 },
    { ...reading, nanos: reading.nanos + 1 },
    { ...reading, tieBreak: reading.tieBreak + 1n },
    { ...reading, tieBreak: -reading.tieBreak },
    { ...reading, values: [first! + 2 ** -40, ...others] },
    { ...reading, values: [0, ...others] },
    { ...reading, values: [-0, ...others] },
    { ...reading, values: [NaN, ...others] },
    { ...reading, values: [others[0]!, first!, ...others.slice(1)] },
  ];
  const prints = different.map((each) => printOf(each));
  assert.equal(new Set(prints).size, different.length, prints.join("\n"));
  const swapped = archivedReadings(2).map((each, at, all) => ({
    ...each,
    values: all[1 - at]!.values,
  }));
  assert.notEqual(printOf(...swapped), printOf(...archivedReadings(2)));
  assert.notEqual(printOf(reading, reading), printOf(reading));
});

Deno.test("Fingerprint is the same whether or not there is a measure that is set nowhere", () => {
  const later = { ...reading, values: [...reading.values, NaN] };
  assert.equal(printOf(later), printOf(reading));
  assert.notEqual(printOf({ ...later, values: [...reading.values, 0] }), printOf(reading));
});

/** Pinned: files that people keep carry them. */
Deno.test("Fingerprint is what it always was", () => {
  assert.equal(printOf(...archivedReadings(3)), "3-e2c71d1fe2c11963");
});
