import type { DatabaseConfig } from "../../services/backend/config.ts";

/** The configuration of a database that a URL names whole. */
export function databaseConfig(url: string, maxConnections = 10): DatabaseConfig {
  return {
    url: new URL(url),
    host: "",
    port: 5432,
    user: "",
    password: "",
    database: "",
    maxConnections,
  };
}
