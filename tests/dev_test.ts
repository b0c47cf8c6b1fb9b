import assert from "node:assert/strict";
import { chromiumPath, launchChromium } from "./support/chromium.ts";
import { startTask, type TaskOptions, type TaskProcess } from "./support/task_process.ts";
import { placePglite } from "./support/temp_pglite.ts";
import { surelyBrokenMs, waitUntil } from "./support/wait_until.ts";

/** Starts `dev` on free ports and a data folder of the test's. */
function startDev(data: string, { args = [], ...options }: TaskOptions = {}): TaskProcess {
  return startTask("dev", {
    ...options,
    // As the task's own grant of .data, for a folder that the test can throw away.
    grants: [`--allow-write=${data}`],
    args: [
      `--db-url=pglite://${data}/pglite`,
      "--grpc-port=0",
      "--http-port=0",
      "--backend-metrics-port=0",
      "--generator-metrics-port=0",
      "--interval=200ms",
      ...args,
    ],
  });
}

interface Addresses {
  readonly pages: string;
  readonly api: string;
  readonly metrics: readonly string[];
}

async function addressesOf(dev: TaskProcess): Promise<Addresses> {
  const [, pages] = await dev.printed(/Pages +(\S+)/);
  const [, api] = await dev.printed(/API +(\S+)/);
  const [, metrics] = await dev.printed(/Metrics +(.+)\n/);
  return { pages: pages!, api: api!, metrics: metrics!.trim().split(/ +/) };
}

/** Calls an RPC as curl would: JSON over HTTP/1.1. */
async function call(api: string, method: string, request: object): Promise<Response> {
  return await fetch(`${api}/iot.v1.IoTService/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(request),
  });
}

/** Instants of a device's newest readings, as the API gives them. */
async function newestReadings(api: string, deviceId: string): Promise<readonly string[]> {
  const response = await call(api, "GetSensorReadingByDeviceID", { deviceId, pageSize: 1000 });
  const { readings = [] } = await response.json();
  return readings.map(({ timestamp, nanos }: { timestamp: string; nanos?: number }) =>
    `${timestamp}.${nanos ?? 0}`
  );
}

async function firstDevice(api: string): Promise<string> {
  return await waitUntil(async () => {
    const { devices = [] } = await (await call(api, "GetAllDevice", {})).json();
    return devices.length === 10 && devices[0].deviceId as string;
  }, { what: "ten devices" });
}

Deno.test("dev serves everything, stops clean, and still has its data when it starts again", async () => {
  const data = await Deno.makeTempDir();
  try {
    await using first = startDev(data);
    const { pages, api, metrics } = await addressesOf(first);
    const device = await firstDevice(api);
    const seen = await waitUntil(async () => {
      const readings = await newestReadings(api, device);
      return readings.length >= 3 && readings;
    }, { what: "readings" });
    // An answer may be late on a busy machine, and is then one that says so.
    await waitUntil(async () => (await (await fetch(pages)).text()).includes(device), {
      what: "the pages to show the device",
    });
    assert.equal(metrics.length, 3);
    for (const address of metrics) {
      assert.match(await (await fetch(address)).text(), /process_start_time_seconds/);
      assert.equal((await fetch(new URL("/healthz", address)).then(consumed)).status, 200);
      await waitUntil(
        async () => (await fetch(new URL("/readyz", address)).then(consumed)).status === 200,
        { what: `${address} to be ready` },
      );
    }
    // As one Ctrl-C arrives under a task runner, which passes on what the terminal sent to all.
    first.kill("SIGINT");
    first.kill("SIGINT");
    assert.equal((await first.ended).code, 0, first.output());

    for (const end of ["SIGKILL", "SIGTERM"] as const) {
      await using next = startDev(data);
      const { api } = await addressesOf(next);
      const now = await newestReadings(api, device);
      for (const reading of seen) assert.ok(now.includes(reading), `${reading} is gone`);
      next.kill(end);
      const { code } = await next.ended;
      if (end === "SIGTERM") assert.equal(code, 0, next.output());
    }
  } finally {
    await Deno.remove(data, { recursive: true });
  }
});

Deno.test("dev keeps its data folder to one process", async () => {
  const data = await Deno.makeTempDir();
  await placePglite(`${data}/pglite`);
  try {
    await using first = startDev(data);
    await addressesOf(first);
    await using second = startDev(data);
    const { code } = await second.ended;
    assert.equal(code, 1);
    assert.match(second.output(), /^Cannot open the database in .*another process has it open/m);
  } finally {
    await Deno.remove(data, { recursive: true });
  }
});

Deno.test({
  name: "dev ends, and says why, when its disk is full, and goes on from there when it has room",
  ignore: Deno.build.os === "windows",
  async fn() {
    const data = await Deno.makeTempDir();
    await placePglite(`${data}/pglite`);
    try {
      await using first = startDev(data);
      const { api } = await addressesOf(first);
      const device = await firstDevice(api);
      const stored = await waitUntil(async () => {
        const readings = await newestReadings(api, device);
        return readings.length >= 3 && readings;
      }, { what: "readings" });
      first.kill("SIGKILL");
      await first.ended;

      // Where anyone may try it: no file may reach the size of the log's, which is 1 MB.
      const smallFiles = ["bash", "-c", `trap '' XFSZ; ulimit -f 1000; exec "$@"`, "bash"];
      const load = ["--num-devices=500", "--interval=100ms"];
      await using full = startDev(data, { under: smallFiles, args: load });
      const { code, stderr } = await full.ended;
      assert.equal(code, 1, full.output());
      assert.match(
        stderr,
        /^The database in .* has stopped: .*File too large.*: the disk is full/m,
      );

      await using next = startDev(data);
      const now = await newestReadings((await addressesOf(next)).api, device);
      for (const reading of stored) assert.ok(now.includes(reading), `${reading} is gone`);
    } finally {
      await Deno.remove(data, { recursive: true });
    }
  },
});

Deno.test({
  name: "dev's pages show the readings of its devices as they arrive, without a reload",
  ignore: chromiumPath === undefined,
  async fn() {
    const data = await Deno.makeTempDir();
    await placePglite(`${data}/pglite`);
    try {
      await using dev = startDev(data);
      const { pages, api } = await addressesOf(dev);
      const device = await firstDevice(api);
      const browser = await launchChromium();
      try {
        const page = await browser.newPage();
        page.setDefaultTimeout(surelyBrokenMs);
        await page.goto(pages);
        await page.evaluate("window.sameDocument = true");
        await page.click(`text=${device}`);
        await page.waitForSelector("text=Readings");
        await page.evaluate("window.sameDocument = true");
        const rows = () => page.locator("tbody tr").count();
        const before = await rows();
        await waitUntil(async () => await rows() > before, {
          what: "a new row",
        });
        assert.equal(await page.evaluate("window.sameDocument === true"), true);
      } finally {
        await browser.close();
      }
    } finally {
      await Deno.remove(data, { recursive: true });
    }
  },
});

async function consumed(response: Response): Promise<Response> {
  await response.body?.cancel();
  return response;
}
