import assert from "node:assert/strict";
import { findService } from "./find_service.ts";
import { ServiceError } from "./service.ts";

const usualUrl = "amqp://guest:guest@127.0.0.1:5672";
const answering = (...urls: readonly string[]) => {
  const probed: string[] = [];
  const probe = (url: string) => {
    probed.push(url);
    return urls.includes(url) ? Promise.resolve() : Promise.reject(new Error("refused"));
  };
  return { probe, probed };
};

Deno.test("findService takes the named server and looks nowhere else", async () => {
  const { probe, probed } = answering("amqp://other", usualUrl);
  const named = { url: "amqp://other", variable: "AMQP_URL" };
  const found = await findService({ probe, named, usualUrl });
  assert.equal(found?.url, "amqp://other");
  assert.equal(found?.origin, "variable AMQP_URL");
  assert.deepEqual(probed, ["amqp://other"]);
});

Deno.test("findService names the variable whose server does not answer, and no password", async () => {
  const { probe } = answering(usualUrl);
  const named = { url: "amqp://me:secret@other/v", variable: "AMQP_URL" };
  await assert.rejects(findService({ probe, named, usualUrl }), (error) => {
    assert(error instanceof ServiceError);
    assert.equal(error.message, "AMQP_URL names amqp://other/v, which cannot be used: refused");
    return true;
  });
});

Deno.test("findService takes the usual port if it answers, and gives up quietly if not", async () => {
  const { probe } = answering(usualUrl);
  const found = await findService({ probe, named: undefined, usualUrl });
  assert.equal(found?.origin, "usual port");
  const silent = answering();
  assert.equal(
    await findService({ probe: silent.probe, named: undefined, usualUrl }),
    undefined,
  );
});
