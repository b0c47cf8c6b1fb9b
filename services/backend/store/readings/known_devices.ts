import type { Kysely } from "kysely";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import type { Database } from "../database.ts";

/** Most ids that are remembered, which takes about 20 MB. */
const most = 200_000;
/** A page at a time, which leaves less garbage than all at once. */
const pageRows = 5_000;

/**
 * A tenant's devices that are registered, as far as the database has told: a
 * hint that spares looking them up. The foreign key has the last word.
 */
export class KnownDevices {
  readonly #ids = new Set<string>();

  /** Those that are registered by now; fewer where that cannot be asked at the moment. */
  static async load(db: Kysely<Database>, tenantId: TenantId): Promise<KnownDevices> {
    const known = new KnownDevices();
    const query = db.selectFrom("iot_devices").select("device_id")
      .where("tenant_id", "=", tenantId).orderBy("device_id").limit(pageRows);
    for (let after = ""; known.#ids.size < most;) {
      const page = await query.where("device_id", ">", after).execute().catch(() => []);
      for (const { device_id } of page) known.add(device_id);
      if (page.length < pageRows) break;
      after = page.at(-1)!.device_id;
    }
    return known;
  }

  has(deviceId: string): boolean {
    return this.#ids.has(deviceId);
  }

  add(deviceId: string): void {
    if (this.#ids.size < most) this.#ids.add(deviceId);
  }

  delete(deviceId: string): void {
    this.#ids.delete(deviceId);
  }
}
