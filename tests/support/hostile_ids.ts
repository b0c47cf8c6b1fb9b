/** Device ids that mean something else in HTML, an address, a selector or a live stream. */
export const hostileIds: readonly string[] = [
  ...[`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `a/b%2F?#`, "..", "live"],
  ...["مستشعر", "'`&amp;", "<hx-partial hx-target='body'>", "  ", "event: beat\u2028data: x"],
];
