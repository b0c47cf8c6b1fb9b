/**
 * A Chromium for browser tests, as `deno task test` found it; undefined where
 * there is none. Tests that need it are ignored then:
 * `Deno.test({ ignore: chromiumPath === undefined, … })`.
 */
export const chromiumPath: string | undefined = Deno.env.get("TEST_CHROMIUM");
