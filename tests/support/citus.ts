import { createCitusDatabase } from "../../tools/services/citus_database.ts";

/**
 * A database of a Citus coordinator that has workers, as `deno task test` was
 * given it by `CITUS_URL`; undefined where it was not. Tests that need it, whose
 * names end in `, on Citus`, are ignored then.
 */
export const citusUrl: string | undefined = Deno.env.get("TEST_CITUS_URL");

/** An empty database of its own, in which tables can be distributed; disposing drops it. */
export async function createCitusTestDatabase(): Promise<
  AsyncDisposable & { readonly url: string }
> {
  if (citusUrl === undefined) throw new Error("TEST_CITUS_URL is not set");
  return await createCitusDatabase(
    citusUrl,
    `test_${crypto.randomUUID().replaceAll("-", "")}`,
  );
}
