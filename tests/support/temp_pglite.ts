/** A folder of its own for the embedded database; disposing removes it. */
export async function tempPglite(): Promise<AsyncDisposable & { readonly url: string }> {
  const folder = await Deno.makeTempDir({ prefix: "demo-app-pglite-" });
  return {
    url: `pglite://${folder}/data`,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}
