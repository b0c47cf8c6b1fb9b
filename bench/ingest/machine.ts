import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import denoConfig from "../../deno.json" with { type: "json" };
import { defaults } from "./contender.ts";
import type { Site } from "./site.ts";

/** What the figures hold for: machine, versions, durability and settings, as Markdown. */
export async function describeMachine(site: Site): Promise<string> {
  const { rows: settings } = await site.pg.query<{ name: string; setting: string }>(
    `select name, current_setting(name) as setting from pg_settings where name in
     ('fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers', 'server_version')`,
  );
  const { server_version: version, ...durability } = Object.fromEntries(
    settings.map(({ name, setting }) => [name, setting]),
  );
  // What the broker says of itself at the handshake, which the types leave out.
  const { serverProperties } = site.broker.connection as unknown as {
    readonly serverProperties: { readonly version?: string };
  };
  const model = cpus()[0]?.model.trim() ?? Deno.build.arch;
  const { prefetch, batchSize, batchWait, writers } = defaults;
  return [
    `- Machine: ${availableParallelism()} cores (${model}), ${gibibytes(totalmem())} GiB, ` +
    `${Deno.build.os}; load average at the start ${loadavg().map((n) => n.toFixed(1)).join(" ")}`,
    `- Deno ${Deno.version.deno}, PostgreSQL ${version}, RabbitMQ ${serverProperties.version}, ` +
    `amqplib ${versionOf("amqplib")}, pg ${versionOf("pg")}; both servers share the machine ` +
    `(${site.origins})`,
    `- Durable classic queue, persistent messages, no autovacuum of the tables; ` +
    Object.entries(durability).map(([name, setting]) => `${name} ${setting}`).join(", "),
    `- Backend's defaults: batch_size ${batchSize}, batch_wait ${batchWait}, ` +
    `prefetch ${prefetch}, writers ${writers}`,
  ].join("\n");
}

function gibibytes(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(0);
}

function versionOf(name: keyof typeof denoConfig.imports): string {
  return denoConfig.imports[name].split("@").at(-1)!;
}
