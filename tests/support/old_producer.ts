import { fromJSON, type MethodDefinition } from "@grpc/proto-loader";

const field = (id: number, type: string) => ({ id, type });

/** `iot.v1` as a producer knows it that was written before readings had nanoseconds. */
const oldPackage = {
  nested: {
    old: {
      nested: {
        SensorReading: {
          fields: {
            deviceId: field(1, "string"),
            timestamp: field(2, "int64"),
            temperature: field(3, "double"),
            humidity: field(4, "double"),
            pressure: field(5, "double"),
            batteryLevel: field(6, "double"),
          },
        },
        Producer: {
          methods: { Send: { requestType: "SensorReading", responseType: "SensorReading" } },
        },
      },
    },
  },
};

// Its type asks of a namespace what only a service has.
const asPackage = oldPackage as unknown as Parameters<typeof fromJSON>[0];

const { Send: send } = fromJSON(asPackage)["old.Producer"] as Record<
  string,
  MethodDefinition<object, object>
>;

/** A reading's message by protobufjs, with fields 1 to 6 alone. */
export function oldReading(reading: {
  readonly deviceId: string;
  readonly timestamp: number;
  readonly temperature: number;
  readonly humidity: number;
  readonly pressure: number;
  readonly batteryLevel: number;
}): Uint8Array {
  return send!.requestSerialize(reading);
}
