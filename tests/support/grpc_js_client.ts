import { fileURLToPath } from "node:url";
import {
  type CallOptions,
  Client,
  type ClientDuplexStream,
  type ClientOptions,
  type ClientReadableStream,
  type ClientUnaryCall,
  credentials,
  Metadata,
  type ServiceError,
} from "@grpc/grpc-js";
import { loadSync, type MethodDefinition, type ServiceDefinition } from "@grpc/proto-loader";

const protoFolder = fileURLToPath(new URL("../../proto/", import.meta.url));

/** The services of a proto file, as a client in another language would load them. */
function serviceOf(protoFile: string, service: string): ServiceDefinition {
  const definitions = loadSync(protoFile, {
    includeDirs: [protoFolder],
    longs: String,
    enums: String,
    defaults: true,
  });
  return definitions[service] as ServiceDefinition;
}

export const iotService = () => serviceOf("iot/v1/iot_service.proto", "iot.v1.IoTService");
export const healthService = () =>
  serviceOf("grpc/health/v1/health.proto", "grpc.health.v1.Health");
export const reflectionService = () =>
  serviceOf("grpc/reflection/v1/reflection.proto", "grpc.reflection.v1.ServerReflection");

/** A client of one service over grpc-js, which shares no code with the server. */
export class GrpcJsClient implements Disposable {
  readonly #client: Client;
  readonly #service: ServiceDefinition;

  constructor(port: number, service: ServiceDefinition, options: ClientOptions = {}) {
    this.#service = service;
    this.#client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), options);
  }

  /** Calls a unary method; `started` gets the call, to cancel it. */
  unary<Response>(
    name: string,
    request: object,
    options: CallOptions = {},
    started: (call: ClientUnaryCall) => void = () => {},
  ): Promise<Response> {
    const { path, requestSerialize, responseDeserialize } = this.#method(name);
    return new Promise((resolve, reject) => {
      const done = (error: ServiceError | null, response?: object) => {
        if (error) reject(error);
        // What the proto file says, which the caller knows.
        else resolve(response as Response);
      };
      started(
        this.#client.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          request,
          new Metadata(),
          options,
          done,
        ),
      );
    });
  }

  serverStream(name: string, request: object): ClientReadableStream<object> {
    const { path, requestSerialize, responseDeserialize } = this.#method(name);
    return this.#client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
    );
  }

  bidiStream(name: string): ClientDuplexStream<object, object> {
    const { path, requestSerialize, responseDeserialize } = this.#method(name);
    return this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  }

  #method(name: string): MethodDefinition<object, object> {
    return this.#service[name] as MethodDefinition<object, object>;
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}
