/** Whose a row is: `tenants.tenant_id`. */
export type TenantId = number;

/** The tenant of everything that names none. */
export const defaultTenant: TenantId = 0;
