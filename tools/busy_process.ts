/** Keeps a core busy until whoever started it ends, or closes its input. */
const spinMs = 100;

function spin(): void {
  const untilMs = performance.now() + spinMs;
  while (performance.now() < untilMs);
  // Between two turns the end of the input is seen.
  setTimeout(spin);
}

spin();
for await (const _ of Deno.stdin.readable);
Deno.exit();
