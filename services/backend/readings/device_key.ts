import type { TenantId } from "#shared/telemetry/tenant.ts";

/** Which device is meant, among those of all tenants. */
export interface DeviceKey {
  readonly tenantId: TenantId;
  readonly deviceId: string;
}
