/**
 * Clients of grpc-js that connect, call, cancel and leave, for ever:
 * `churn_client.ts PORT`. Prints a line for each that has left.
 */
import { GrpcJsClient, iotService } from "./grpc_js_client.ts";
import { surelyBrokenMs } from "./wait_until.ts";

const port = Number(Deno.args[0]);
const service = iotService();

async function churn(): Promise<never> {
  for (;;) {
    const client = new GrpcJsClient(port, service, { "grpc.use_local_subchannel_pool": 1 });
    const calls = Array.from(
      { length: 8 },
      (_, i) =>
        client.unary(
          "GetAllDevice",
          { page_size: i * 300 },
          { deadline: Date.now() + surelyBrokenMs },
          (call) => {
            if (i % 4 === 3) setTimeout(() => call.cancel(), i);
          },
        ),
    );
    await Promise.race(calls.map((call) => call.catch(() => {})));
    // With calls in hand: grpc-js says GOAWAY, some resets follow.
    client[Symbol.dispose]();
    await Promise.allSettled(calls);
    // deno-lint-ignore no-console -- the parent counts them
    console.log("left");
  }
}

await Promise.all(Array.from({ length: 4 }, churn));
