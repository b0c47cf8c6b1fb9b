import { cp } from "node:fs/promises";
import { getLogger } from "@logtape/logtape";
import { openDatabase } from "../../services/backend/store/connection/open_database.ts";
import { databaseConfig } from "./database_config.ts";

/**
 * Where `deno task test` lets the first test that needs an embedded database
 * leave an empty one for the others: a copy costs a tenth of making one.
 */
const template: string | undefined = Deno.env.get("TEST_PGLITE_TEMPLATE");

/** A folder of its own with an empty embedded database; disposing removes it. */
export async function tempPglite(): Promise<AsyncDisposable & { readonly url: string }> {
  const folder = await Deno.makeTempDir({ prefix: "demo-app-pglite-" });
  await placePglite(`${folder}/data`);
  return {
    url: `pglite://${folder}/data`,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

/**
 * Puts an empty embedded database at `path`, so that who opens it need not make
 * one; without `deno task test` it has to.
 */
export async function placePglite(path: string): Promise<void> {
  if (template === undefined) return;
  await makeOnce(template);
  await cp(template, path, { recursive: true });
}

/** Makes the database unless it is there; test files run side by side. */
async function makeOnce(path: string): Promise<void> {
  using turn = await Deno.open(`${path}.turn`, { create: true, write: true });
  await turn.lock(true);
  try {
    await Deno.stat(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    {
      const config = databaseConfig(`pglite://${path}.new`);
      await using database = await openDatabase(config, getLogger("temp-pglite"));
      await database.answers();
    }
    // Whole, or not there.
    await Deno.rename(`${path}.new`, path);
  }
}
