import assert from "node:assert/strict";
import { namedAmqpUrl, namedCitusUrl, namedPostgresUrl } from "./named_url.ts";

Deno.test("namedPostgresUrl prefers TEST_POSTGRES_URL, then DATABASE_URL, then PGHOST", () => {
  const all = { PGHOST: "db", DATABASE_URL: "postgres://b", TEST_POSTGRES_URL: "postgres://a" };
  assert.deepEqual(namedPostgresUrl(all), { url: "postgres://a", variable: "TEST_POSTGRES_URL" });
  assert.deepEqual(namedPostgresUrl({ ...all, TEST_POSTGRES_URL: "" }), {
    url: "postgres://b",
    variable: "DATABASE_URL",
  });
  assert.deepEqual(namedPostgresUrl({ PGHOST: "db" }), {
    url: "postgres://postgres:postgres@db:5432/postgres",
    variable: "PGHOST",
  });
});

Deno.test("namedPostgresUrl makes a URL of psql's variables", () => {
  const variables = { PGPORT: "5433", PGUSER: "me", PGPASSWORD: "a/b@c", PGDATABASE: "mine" };
  assert.deepEqual(namedPostgresUrl(variables), {
    url: "postgres://me:a%2Fb%40c@127.0.0.1:5433/mine",
    variable: "PGPORT",
  });
  assert.equal(
    namedPostgresUrl({ PGHOST: "/run/postgresql" })?.url,
    "postgres://postgres:postgres@127.0.0.1:5432/postgres?host=%2Frun%2Fpostgresql",
  );
});

Deno.test("namedAmqpUrl prefers TEST_AMQP_URL, then AMQP_URL, then RABBITMQ_URL", () => {
  const all = { RABBITMQ_URL: "amqp://c", AMQP_URL: "amqp://b", TEST_AMQP_URL: "amqp://a" };
  assert.equal(namedAmqpUrl(all)?.variable, "TEST_AMQP_URL");
  assert.equal(namedAmqpUrl({ ...all, TEST_AMQP_URL: "" })?.variable, "AMQP_URL");
  assert.equal(namedAmqpUrl({ RABBITMQ_URL: "amqp://c" })?.url, "amqp://c");
});

Deno.test("namedCitusUrl prefers TEST_CITUS_URL, then CITUS_URL, and takes no other server", () => {
  const both = { CITUS_URL: "postgres://b", TEST_CITUS_URL: "postgres://a" };
  assert.equal(namedCitusUrl(both)?.variable, "TEST_CITUS_URL");
  assert.equal(namedCitusUrl({ ...both, TEST_CITUS_URL: "" })?.url, "postgres://b");
  assert.equal(namedCitusUrl({ DATABASE_URL: "postgres://c", PGHOST: "db" }), undefined);
});

Deno.test("Nothing is named where no variable is set", () => {
  assert.equal(namedPostgresUrl({ PGDATABASE: "mine", HOME: "/root" }), undefined);
  assert.equal(namedAmqpUrl({}), undefined);
});
