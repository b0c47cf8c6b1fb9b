import {
  cancel,
  concat,
  endHeaders,
  endStream,
  frame,
  frameType,
  message,
  preface,
  requestFields,
  send,
  uint32,
} from "./http2_frames.ts";

/** What a gRPC client may do to the server in the middle of its calls. */
export const endings = [
  "reset",
  "goaway",
  "goaway error",
  "goaway twice",
  "leave",
] as const;
export type Ending = typeof endings[number];

const internalError = 2;

/**
 * A connection whose calls are all answered, which then says GOAWAY and closes
 * in the same moment. Many of these at once are what aborts an unguarded server.
 */
export async function finishCalls(port: number): Promise<void> {
  using connection = await Deno.connect({ port });
  await send(connection, preface, frame(frameType.settings, 0, 0));
  for (let first = 1; first < 120; first += 40) {
    const ids = Array.from({ length: 20 }, (_, i) => first + 2 * i);
    await send(connection, ...ids.map(oneDevice));
    await readAnswers(connection, ids.length);
  }
  await send(connection, frame(frameType.goaway, 0, 0, uint32(0), uint32(0)));
}

/**
 * A connection that asks for much and grants no window, so that the server's
 * writes park, and ends there in the given way.
 */
export async function leaveCalls(port: number, ending: Ending): Promise<void> {
  using connection = await Deno.connect({ port });
  const streams = [1, 3, 5, 7, 9, 11];
  const opening = streams.map((id, i) => i % 2 === 0 ? manyDevices(id) : manyReflections(id));
  await send(connection, preface, frame(frameType.settings, 0, 0), ...opening);
  // Nearly the initial window of the connection: the server can send no more by then.
  await readAtMost(connection, 60_000);
  if (ending === "reset") {
    for (const id of streams) await send(connection, frame(frameType.reset, 0, id, uint32(cancel)));
    await send(connection, ...[13, 15, 17].map(manyDevices));
  } else if (ending.startsWith("goaway")) {
    const code = ending === "goaway error" ? internalError : 0;
    const goaway = frame(frameType.goaway, 0, 0, uint32(0), uint32(code));
    // In one segment with calls, so that the server reads them in the same turn.
    await send(connection, manyDevices(13), goaway, ...(ending === "goaway twice" ? [goaway] : []));
    await send(connection, ...streams.map((id) => frame(frameType.reset, 0, id, uint32(cancel))));
  }
}

function oneDevice(stream: number): Uint8Array {
  return concat(
    headers(stream, "/iot.v1.IoTService/GetDevice"),
    frame(frameType.data, endStream, stream, message([])),
  );
}

/** Some 90 KB. */
function manyDevices(stream: number): Uint8Array {
  const pageSize400 = [0x08, 0x90, 0x03];
  return concat(
    headers(stream, "/iot.v1.IoTService/GetAllDevice"),
    frame(frameType.data, endStream, stream, message(pageSize400)),
  );
}

/** Each question is answered with some 2 KB; the request is left open. */
function manyReflections(stream: number): Uint8Array {
  const name = new TextEncoder().encode("iot.v1.IoTService");
  const question = message([0x22, name.length, ...name]);
  return concat(
    headers(stream, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"),
    frame(frameType.data, 0, stream, ...Array.from({ length: 60 }, () => question)),
  );
}

function headers(stream: number, path: string): Uint8Array {
  return frame(frameType.headers, endHeaders, stream, requestFields(path));
}

/** Reads frames until that many calls have ended. */
async function readAnswers(connection: Deno.Conn, count: number): Promise<void> {
  const buffer = new Uint8Array(65_536);
  let kept: Uint8Array = new Uint8Array();
  for (let ended = 0; ended < count;) {
    const length = await connection.read(buffer);
    if (length === null) throw new Error("the server has hung up");
    kept = concat(kept, buffer.subarray(0, length));
    while (kept.length >= 9) {
      const size = 9 + (kept[0]! << 16 | kept[1]! << 8 | kept[2]!);
      if (kept.length < size) break;
      if (kept[3] === frameType.headers && kept[4]! & endStream) ended++;
      kept = kept.subarray(size);
    }
  }
}

async function readAtMost(connection: Deno.Conn, length: number): Promise<void> {
  const buffer = new Uint8Array(16_384);
  for (let total = 0; total < length;) {
    const count = await connection.read(buffer);
    if (count === null) return;
    total += count;
  }
}
