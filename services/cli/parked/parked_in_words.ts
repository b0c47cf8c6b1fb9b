import type { ParkedCounts } from "../../backend/store/parked/count_parked.ts";

/** How many are parked: `3, 2 of them refused by the database`. */
export function parkedInWords({ readings, refused }: ParkedCounts): string {
  return refused === 0 ? `${readings}` : `${readings}, ${refused} of them refused by the database`;
}
