const address = String.raw`[\d.]+|\[?[\da-f:.]+\]?`;
const link = new RegExp(String.raw`^(tcp|udp|sctp)://(${address}):\d+$`, "i");

/** How the variables end that link a service, and the values that go with it. */
const forms: readonly (readonly [RegExp, RegExp])[] = [
  [/_SERVICE_HOST$/, new RegExp(`^(${address})$`, "i")],
  [/_SERVICE_PORT(_[A-Z0-9_]+)?$/, /^\d+$/],
  [/_PORT$/, link],
  [/_PORT_\d+_(TCP|UDP|SCTP)$/, link],
  [/_PORT_\d+_(TCP|UDP|SCTP)_PORT$/, /^\d+$/],
  [/_PORT_\d+_(TCP|UDP|SCTP)_PROTO$/, /^(tcp|udp|sctp)$/],
  [/_PORT_\d+_(TCP|UDP|SCTP)_ADDR$/, new RegExp(`^(${address})$`, "i")],
];

/**
 * Whether Kubernetes, or a link of Docker's, has set this variable: they set
 * seven of them, such as `APP_BACKEND_PORT=tcp://10.0.0.1:50051`, for each
 * service beside a container; here one named `app-backend`.
 */
export function isServiceLink(variable: string, value: string): boolean {
  return forms.some(([name, text]) => name.test(variable) && text.test(value));
}
