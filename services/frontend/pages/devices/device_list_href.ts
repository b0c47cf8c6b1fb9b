/** The address of a page of the device list; the first page has no token. */
export function deviceListHref(pageToken: string): string {
  return pageToken === ""
    ? "/devices"
    : `/devices?${new URLSearchParams({ page_token: pageToken })}`;
}
