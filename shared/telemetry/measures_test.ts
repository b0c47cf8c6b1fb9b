import assert from "node:assert/strict";
import { ScalarType } from "@bufbuild/protobuf";
import { SensorReadingSchema } from "#shared/gen/iot/v1/reading_pb.ts";
import { type Measured, measures, valuesOf } from "./measures.ts";

Deno.test("the measures are the fields of SensorReading that are floating-point numbers", () => {
  const fields = SensorReadingSchema.fields
    .filter((field) => field.fieldKind === "scalar" && field.scalar === ScalarType.DOUBLE)
    .map(({ localName: field, name: column, proto }) => ({
      field,
      column,
      optional: proto.proto3Optional,
    }));
  const known = measures.map(({ field, column, optional }) => ({ field, column, optional }));
  const inOrder = (a: { field: string }, b: { field: string }) => a.field < b.field ? -1 : 1;
  assert.deepEqual(known.sort(inOrder), fields.sort(inOrder));
});

Deno.test("valuesOf has the values in the order of the measures", () => {
  const entries = measures.map(({ field }, at) => [field, at] as const);
  // As many as there are measures, by the line before.
  const measured = Object.fromEntries(entries) as unknown as Measured;
  assert.deepEqual(valuesOf(measured), entries.map(([, at]) => at));
});
