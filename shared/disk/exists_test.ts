import assert from "node:assert/strict";
import { TempFolder } from "../../tests/support/temp_folder.ts";
import { exists } from "./exists.ts";

Deno.test("exists finds folders and files, and nothing where there is nothing", async () => {
  await using folder = await TempFolder.make();
  const file = `${folder.path}/file`;
  assert.equal(await exists(folder.path), true);
  assert.equal(await exists(file), false);
  await Deno.writeTextFile(file, "");
  assert.equal(await exists(file), true);
});

Deno.test({
  name: "exists finds a link that leads nowhere, and throws where nobody can tell",
  // Which has other links, and takes what is below a file for a file that is not there.
  ignore: Deno.build.os === "windows",
  async fn() {
    await using folder = await TempFolder.make();
    const [file, link] = [`${folder.path}/file`, `${folder.path}/link`];
    await Deno.symlink(`${folder.path}/nowhere`, link);
    assert.equal(await exists(link), true);
    await Deno.writeTextFile(file, "");
    await assert.rejects(exists(`${file}/below`));
  },
});
