import assert from "node:assert/strict";
import { unmarked } from "../../../../tests/support/unmarked.ts";
import type { ReadingRow } from "../../readings/reading_row.ts";
import { LaggingDevices } from "./lagging_devices.ts";

const row = (deviceId: string) => ({ deviceId });
const at = (deviceId: string, micros: number, tieBreak = 0n): ReadingRow => ({
  deviceId,
  micros,
  tieBreak,
  values: [],
});
const nothing = () => {};

Deno.test("LaggingDevices keeps the newest instant of each device, by tenant", () => {
  const lagging = unmarked();
  for (
    const [tenant, reading] of [
      [0, at("a", 5, 7n)],
      [0, at("a", 3)],
      [0, at("a", 5, 6n)],
      [7, at("a", 9)],
      [0, at("b", 1)],
    ] as const
  ) {
    lagging.note(tenant, reading.deviceId, reading);
  }
  using view = lagging.view(0);
  assert.deepEqual(
    view.behind(["a", "b", "c"]),
    new Map([["a", at("a", 5, 7n)], ["b", at("b", 1)]]),
  );
  assert.deepEqual(lagging.next(10), {
    tenantId: 0,
    seen: new Map([["a", at("a", 5, 7n)], ["b", at("b", 1)]]),
  });
  assert.deepEqual(lagging.next(10), { tenantId: 7, seen: new Map([["a", at("a", 9)]]) });
  assert.equal(lagging.next(10), undefined);
});

Deno.test("LaggingDevices does not say what it cannot know", async () => {
  const lagging = unmarked();
  const lost = new Error("connection lost");
  const write = lagging.during(0, [row("a")], () => Promise.reject(lost), nothing);
  await assert.rejects(write, lost);
  lagging.note(0, "a", at("a", 5));
  using view = lagging.view(0);
  assert.deepEqual(view.behind(["a"]), new Map([["a", undefined]]));
});

Deno.test("A device is behind from before its reading is committed until its row tells it", async () => {
  const lagging = unmarked();
  const behind = () => {
    using view = lagging.view(0);
    return view.behind(["a", "other"]);
  };
  const unknown = new Map([["a", undefined]]);
  const committed = Promise.withResolvers<void>();
  assert.deepEqual(behind(), new Map());
  const note = () => lagging.note(0, "a", at("a", 5));
  const writing = lagging.during(0, [row("a")], () => committed.promise, note);
  assert.deepEqual(behind(), unknown, "while it is written");
  using early = lagging.view(0);
  committed.resolve();
  await writing;
  assert.deepEqual(behind(), new Map([["a", at("a", 5)]]), "once it is noted");
  const told = Promise.withResolvers<void>();
  const refreshing = lagging.refresh(lagging.next(10)!, () => told.promise);
  assert.equal(lagging.next(10), undefined);
  assert.deepEqual(behind(), new Map([["a", at("a", 5)]]), "while its row is written");
  using meanwhile = lagging.view(0);
  told.resolve();
  await refreshing;
  assert.deepEqual(behind(), new Map(), "to one who looks after that");
  for (const view of [early, meanwhile]) {
    assert.deepEqual(view.behind(["a", "other"]), unknown, "to one who may have read before it");
  }
});

Deno.test("A device whose row could not be written waits again", async () => {
  const lagging = unmarked();
  lagging.note(0, "a", at("a", 5));
  const down = new Error("no database");
  await assert.rejects(lagging.refresh(lagging.next(10)!, () => Promise.reject(down)), down);
  lagging.note(0, "a", at("a", 3));
  assert.deepEqual(lagging.next(10)?.seen, new Map([["a", at("a", 5)]]));
});

Deno.test("Others are told before the first write, and for as long as something is behind", async () => {
  const told: string[] = [];
  const mark = {
    holds: false,
    due: true,
    ids: [],
    make: (): Promise<void> => {
      told.push("make");
      // Somebody looks whether it is needed before the one who made it goes on.
      return lagging.keepMark().then(() => void (mark.holds = true));
    },
    renew: () => Promise.resolve(void told.push("renew")),
    remove: () => Promise.resolve(void told.push("remove")),
    abandon: () => Promise.resolve(void told.push("abandon")),
    tidy: () => Promise.resolve(),
  };
  const lagging: LaggingDevices = new LaggingDevices(mark);
  const write = () => Promise.resolve(void told.push("write"));
  await lagging.during(0, [row("a")], write, () => lagging.note(0, "a", at("a", 1)));
  assert.deepEqual(told.splice(0), ["make", "renew", "write"]);
  await lagging.during(0, [row("a")], write, () => lagging.note(0, "a", at("a", 2)));
  await lagging.keepMark();
  assert.deepEqual(told.splice(0), ["write", "renew"]);
  await lagging.refresh(lagging.next(10)!, async () => await lagging.keepMark());
  await lagging.keepMark();
  assert.deepEqual(told.splice(0), ["renew", "remove"]);
  lagging.note(0, "a", at("a", 3));
  await lagging.keepMark({ atEnd: true });
  assert.deepEqual(told.splice(0), ["abandon"]);
  await lagging.refresh(lagging.next(10)!, () => Promise.resolve());
  mark.due = false;
  await lagging.keepMark();
  assert.deepEqual(told, []);
  await lagging.keepMark({ atEnd: true });
  assert.deepEqual(told, ["remove"]);
});
