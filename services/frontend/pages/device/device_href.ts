/**
 * The address of a device's page. A device id is any text, and browsers take
 * the path segments `.` and `..` for steps, even escaped, so those two ids go
 * into the query.
 */
export function deviceHref(deviceId: string, pageToken?: string): string {
  const query = new URLSearchParams();
  const steps = deviceId === "." || deviceId === "..";
  if (steps) query.set("id", deviceId);
  if (pageToken !== undefined) query.set("page_token", pageToken);
  const path = steps ? "/device" : `/devices/${encodeURIComponent(deviceId)}`;
  return query.size === 0 ? path : `${path}?${query}`;
}

/** The address of the readings after a page of them; undefined after the last. */
export function olderHref(deviceId: string, nextPageToken: string): string | undefined {
  return nextPageToken === "" ? undefined : deviceHref(deviceId, nextPageToken);
}
