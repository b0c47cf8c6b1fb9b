export * from "npm:@grpc/proto-loader@0.8.0";
