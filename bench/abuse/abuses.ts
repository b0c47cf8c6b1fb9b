import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { GetDeviceRequestSchema, IoTService } from "#shared/gen/iot/v1/iot_service_pb.ts";
import {
  concat,
  endHeaders,
  endStream,
  field,
  frame,
  frameType,
  message,
  preface,
  requestFields,
  send,
  uint32,
} from "../../tests/support/http2_frames.ts";
import { drain, reconnecting, untilCut } from "./raw_client.ts";

export interface Target {
  readonly apiPort: number;
  readonly pagesPort: number;
  readonly deviceIds: readonly string[];
}

export interface Abuse {
  readonly name: string;
  run(target: Target, signal: AbortSignal): Promise<unknown>;
}

const times = <Result>(count: number, make: (i: number) => Result): Result[] =>
  Array.from({ length: count }, (_, i) => make(i));

const settings = frame(frameType.settings, 0, 0);
const encoder = new TextEncoder();

/** One field of 3.9 kB in HPACK's table, then requests that name it 15,000 times each. */
const hpackBomb: Abuse = {
  name: "HPACK bomb, one connection",
  run: ({ apiPort }, signal) =>
    reconnecting(apiPort, signal, async (connection) => {
      const fields = requestFields("/iot.v1.IoTService/GetDevice");
      const planted = concat(fields, field(0x40, "x", "a".repeat(3_900)));
      await send(connection, preface, settings);
      await send(connection, frame(frameType.headers, endHeaders | endStream, 1, planted));
      const newestEntry = 0x80 | 62;
      const block = concat(fields, new Uint8Array(15_000).fill(newestEntry));
      const drained = drain(connection);
      drained.catch(() => {});
      for (let stream = 3;; stream += 2) {
        await send(connection, frame(frameType.headers, endHeaders | endStream, stream, block));
      }
    }),
};

/** Honest clients that all want everything, again and again. */
const wholeFleet: Abuse = {
  name: "20 clients that list every device",
  run: ({ apiPort }, signal) =>
    Promise.all(times(20, async () => {
      using client = Deno.createHttpClient({});
      const transport = createConnectTransport({
        baseUrl: `http://127.0.0.1:${apiPort}`,
        useBinaryFormat: true,
        fetch: (input, init) => fetch(input, { ...init, client }),
      });
      const { getAllDevice } = createClient(IoTService, transport);
      while (!signal.aborted) {
        await getAllDevice({}, { signal }).catch(() => pause(100));
      }
    })),
};

/** 100 streams of every device on one connection, with endless windows, of which nothing is read. */
const unreadStreams: Abuse = {
  name: "100 unread streams of every device",
  run: ({ apiPort }, signal) =>
    reconnecting(apiPort, signal, async (connection) => {
      const endless = 0x7fff_ffff;
      const initialWindow = concat(new Uint8Array([0, 4]), uint32(endless));
      await send(
        connection,
        preface,
        frame(frameType.settings, 0, 0, initialWindow),
        frame(frameType.windowUpdate, 0, 0, uint32(endless - 65_535)),
        ...times(100, (i) => everyDevice(1 + 2 * i)),
      );
      await untilCut(connection, settings);
    }),
};

function everyDevice(stream: number): Uint8Array {
  const fields = requestFields("/iot.v1.IoTService/GetAllDevice");
  return concat(
    frame(frameType.headers, endHeaders, stream, fields),
    frame(frameType.data, endStream, stream, message([])),
  );
}

/** Requests over HTTP/1.1 whose bodies never end: some say nothing more, some drip. */
const endlessBodies: Abuse = {
  name: "500 HTTP/1 requests without an end",
  run: ({ apiPort }, signal) =>
    Promise.all(times(500, (i) =>
      reconnecting(apiPort, signal, async (connection) => {
        await send(
          connection,
          encoder.encode(
            "POST /iot.v1.IoTService/GetDevice HTTP/1.1\r\nhost: localhost\r\n" +
              "content-type: application/json\r\ncontent-length: 1000000\r\n\r\n",
          ),
        );
        if (i % 2 === 0) await drain(connection);
        else await untilCut(connection, encoder.encode(" "));
      }))),
};

/** Requests of which three megabytes come and no more, in an envelope that promises four. */
const halfMessages: Abuse = {
  name: "500 requests that stop after 3 MB",
  run: ({ apiPort }, signal) => {
    const megabyte = 1024 * 1024;
    const begun = concat(new Uint8Array(1), uint32(4 * megabyte), new Uint8Array(3 * megabyte));
    return Promise.all(times(500, () =>
      reconnecting(apiPort, signal, async (connection) => {
        await send(
          connection,
          encoder.encode(
            "POST /iot.v1.IoTService/GetDevice HTTP/1.1\r\nhost: localhost\r\n" +
              "content-type: application/grpc-web+proto\r\ncontent-length: 5000000\r\n\r\n",
          ),
          begun,
        );
        await drain(connection);
      })));
  },
};

/** Requests of 4 kB that unpack to 4 MB. */
const packedRequests: Abuse = {
  name: "gzip bombs, 200 connections",
  run: ({ apiPort }, signal) => {
    const packed = gzipSync(
      toBinary(
        GetDeviceRequestSchema,
        create(GetDeviceRequestSchema, { deviceId: "a".repeat(4_000_000) }),
      ),
    );
    const head = "POST /iot.v1.IoTService/GetDevice HTTP/1.1\r\nhost: localhost\r\n" +
      "content-type: application/proto\r\ncontent-encoding: gzip\r\n" +
      `content-length: ${packed.length}\r\n\r\n`;
    const request = concat(encoder.encode(head), packed);
    return Promise.all(times(200, () =>
      reconnecting(apiPort, signal, async (connection) => {
        await send(connection, ...times(20, () => request));
        await connection.closeWrite();
        await drain(connection);
      })));
  },
};

/** Event streams on 3,000 devices from one client. */
const eventStreams: Abuse = {
  name: "3,000 event streams on distinct devices",
  run: ({ pagesPort, deviceIds }, signal) =>
    Promise.all(times(3_000, (i) => {
      const body = encoder.encode(
        JSON.stringify({ views: [{ readings: deviceIds[i % deviceIds.length] }] }),
      );
      return reconnecting(pagesPort, signal, async (connection) => {
        const head =
          "POST /live HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n" +
          `content-length: ${body.length}\r\n\r\n`;
        await send(connection, encoder.encode(head), body);
        await drain(connection);
        await pause(100);
      });
    })),
};

/** HEAD requests where streams are, a new device each. */
const headsOfStreams: Abuse = {
  name: "HEAD of event streams, 4 clients",
  run: ({ pagesPort, deviceIds }, signal) =>
    Promise.all(times(4, async (client) => {
      for (let i = client; !signal.aborted; i += 4) {
        const id = encodeURIComponent(deviceIds[i % deviceIds.length]!);
        const url = `http://127.0.0.1:${pagesPort}/live?device_id=${id}`;
        const request = {
          method: "HEAD",
          signal: AbortSignal.any([signal, AbortSignal.timeout(5_000)]),
        };
        await fetch(url, request).then((response) => response.body?.cancel()).catch(() => {});
        await pause(20);
      }
    })),
};

export const abuses: readonly Abuse[] = [
  hpackBomb,
  wholeFleet,
  unreadStreams,
  endlessBodies,
  halfMessages,
  packedRequests,
  eventStreams,
  headsOfStreams,
];

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
