import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import type { HandlerContext } from "@connectrpc/connect";
import type { Kysely } from "kysely";
import {
  type GetAllDeviceRequest,
  type GetAllDeviceResponse,
  GetAllDeviceResponseSchema,
} from "#shared/gen/iot/v1/iot_service_pb.ts";
import type { LargeAnswers } from "../rpc_server/answers/large_answers.ts";
import type { Database } from "../store/database.ts";
import { currentDevices } from "../store/devices/current_devices.ts";
import type { LaggingDevices } from "../store/devices/lagging_devices.ts";
import type { Caller } from "./ask.ts";
import { pageSize } from "./check_request.ts";
import { deviceToken, readDeviceToken } from "./page_token.ts";

export interface GetAllDeviceContext
  extends Caller, Pick<HandlerContext, "signal" | "requestHeader"> {
  readonly lagging: LaggingDevices;
  readonly large: LargeAnswers;
}

type Page =
  & MessageInitShape<typeof GetAllDeviceResponseSchema>
  & Pick<
    GetAllDeviceResponse,
    "devices" | "latestReadings" | "typicalIntervalSeconds" | "nextPageToken"
  >;

/** Devices a page where the answer has them all. */
const pageOfAll = 1_000;

export async function getAllDevice(
  request: GetAllDeviceRequest,
  context: GetAllDeviceContext,
): Promise<GetAllDeviceResponse> {
  const size = pageSize(request.pageSize);
  const { tenantId } = context;
  const after = readDeviceToken(tenantId, request.pageToken);
  const withLatest = request.withLatestReading;
  const page = (after: string | undefined, size: number) =>
    context.ask((db) => readPage(db, context, { after, size, withLatest }));
  if (size !== undefined) return create(GetAllDeviceResponseSchema, await page(after, size));
  const { signal, large, requestHeader } = context;
  return await large.make(signal, async () => {
    const whole = isJson(requestHeader) ? gatheredPages() : encodedPages();
    for (let last = after, more = true; more;) {
      signal.throwIfAborted();
      const next = await page(last, pageOfAll);
      whole.add(next);
      last = next.devices.at(-1)?.deviceId;
      more = next.nextPageToken !== "";
      // The embedded database answers without giving others their turn.
      await new Promise((resolve) => setImmediate(resolve));
    }
    return whole.answer();
  });
}

async function readPage(
  db: Kysely<Database>,
  { tenantId, lagging }: Pick<GetAllDeviceContext, "tenantId" | "lagging">,
  { after, size, withLatest }: {
    readonly after: string | undefined;
    readonly size: number;
    readonly withLatest: boolean;
  },
): Promise<Page> {
  // One more than asked for says whether there is a next page.
  const asked = { after, limit: size + 1, withLatest };
  const found = await currentDevices(db, tenantId, lagging, asked);
  const devices = found.slice(0, size).map(({ device }) => device);
  const newest = withLatest
    ? found.slice(0, size).flatMap(({ latest }) => latest === undefined ? [] : [latest])
    : [];
  return {
    devices,
    latestReadings: newest.map(({ reading }) => reading),
    typicalIntervalSeconds: newest.map(({ typicalIntervalSeconds }) => typicalIntervalSeconds ?? 0),
    nextPageToken: found.length > size ? deviceToken(tenantId, devices.at(-1)!.deviceId) : "",
  };
}

interface Pages {
  add(page: Page): void;
  answer(): GetAllDeviceResponse;
}

/** The pages as messages: JSON is written from nothing less. */
function gatheredPages(): Pages {
  const answer = create(GetAllDeviceResponseSchema);
  return {
    add(page) {
      answer.devices.push(...page.devices);
      answer.latestReadings.push(...page.latestReadings);
      answer.typicalIntervalSeconds.push(...page.typicalIntervalSeconds);
    },
    answer: () => answer,
  };
}

/**
 * The pages as they are sent, which take a tenth of what messages take. A
 * message's unknown fields are written as they are, and fields that repeat
 * follow each other on the wire: so each page stands there as one such field,
 * whose bytes begin behind the tag of its first device.
 */
function encodedPages(): Pages {
  const { number: no } = GetAllDeviceResponseSchema.field.devices;
  const encoded: Uint8Array[] = [];
  return {
    add(page) {
      if (page.devices.length === 0) return;
      const whole = create(GetAllDeviceResponseSchema, { ...page, nextPageToken: "" });
      encoded.push(toBinary(GetAllDeviceResponseSchema, whole).subarray(1));
    },
    answer() {
      const answer = create(GetAllDeviceResponseSchema);
      answer.$unknown = encoded.map((data) => ({ no, wireType: WireType.LengthDelimited, data }));
      return answer;
    },
  };
}

function isJson(requestHeader: Headers): boolean {
  return requestHeader.get("content-type")?.includes("json") ?? false;
}
