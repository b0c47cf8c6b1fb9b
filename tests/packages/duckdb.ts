export * from "npm:@duckdb/node-api@1.5.6-r.1";
