import {
  type DescFile,
  type DescService,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import { nestedTypes } from "@bufbuild/protobuf/reflect";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, type ServiceImpl } from "@connectrpc/connect";
import type {
  ServerReflection,
  ServerReflectionRequest,
  ServerReflectionResponseSchema,
} from "#shared/gen/grpc/reflection/v1/reflection_pb.ts";

type Answer = NonNullable<
  MessageInitShape<typeof ServerReflectionResponseSchema>["messageResponse"]
>;

/**
 * The gRPC server reflection protocol: tells clients such as grpcurl which
 * services there are and the descriptors of their files, so that they need no
 * proto files.
 */
export function reflectionService(
  services: readonly DescService[],
): ServiceImpl<typeof ServerReflection> {
  const names = services.map((service) => service.typeName).sort();
  const files = new Map<string, DescFile>();
  for (const service of services) {
    for (const file of withImports(service.file)) files.set(file.proto.name, file);
  }
  const symbols = new Map<string, DescFile>();
  for (const file of files.values()) {
    for (const name of symbolsOf(file)) symbols.set(name, file);
  }

  function answer({ messageRequest: asked }: ServerReflectionRequest): Answer {
    switch (asked.case) {
      case "listServices":
        return {
          case: "listServicesResponse",
          value: { service: names.map((name) => ({ name })) },
        };
      case "fileByFilename":
        return describe(files.get(asked.value), `file ${asked.value}`);
      case "fileContainingSymbol":
        return describe(symbols.get(asked.value), `symbol ${asked.value}`);
      case "allExtensionNumbersOfType":
        if (!symbols.has(asked.value)) return failure(Code.NotFound, `no type ${asked.value}`);
        return {
          case: "allExtensionNumbersResponse",
          value: { baseTypeName: asked.value, extensionNumber: [] },
        };
      case "fileContainingExtension":
        return failure(Code.NotFound, `no extension of ${asked.value.containingType}`);
      default:
        return failure(Code.InvalidArgument, "the request asks for nothing");
    }
  }

  return {
    async *serverReflectionInfo(requests) {
      for await (const request of requests) {
        yield {
          validHost: request.host,
          originalRequest: request,
          messageResponse: answer(request),
        };
      }
    },
  };
}

function describe(file: DescFile | undefined, what: string): Answer {
  if (file === undefined) return failure(Code.NotFound, `no ${what}`);
  const fileDescriptorProto = withImports(file)
    .map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto } };
}

function failure(errorCode: Code, errorMessage: string): Answer {
  return { case: "errorResponse", value: { errorCode, errorMessage } };
}

/** The file and everything it imports, each once, the file first. */
function withImports(file: DescFile): readonly DescFile[] {
  const found = new Set([file]);
  // A set's iteration also visits what is added to it meanwhile.
  for (const { dependencies } of found) {
    for (const dependency of dependencies) found.add(dependency);
  }
  return [...found];
}

/** The full names of what a file declares: messages, enums, services and their members. */
function* symbolsOf(file: DescFile): Generator<string> {
  for (const type of nestedTypes(file)) {
    yield type.typeName;
    if (type.kind === "message") {
      for (const field of type.fields) yield `${type.typeName}.${field.name}`;
    } else if (type.kind === "service") {
      for (const method of type.methods) yield `${type.typeName}.${method.name}`;
    }
  }
}
