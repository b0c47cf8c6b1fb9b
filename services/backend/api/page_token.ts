import { Buffer } from "node:buffer";
import { Code, ConnectError } from "@connectrpc/connect";
import { defaultTenant, type TenantId } from "#shared/telemetry/tenant.ts";
import type { ReadingPosition } from "../readings/reading_row.ts";

/** Raised when the payload's form changes, so that older tokens are refused, not misread. */
const version = 1;

/**
 * A page token is base64url of a version, a checksum and where to go on. The
 * checksum covers what the token was issued for (`scope`), so that one that was
 * altered, or issued for another list, is refused.
 */
function seal(scope: string, payload: Uint8Array): string {
  const token = Buffer.alloc(5 + payload.length);
  token[0] = version;
  token.writeUInt32BE(checksum(scope, payload), 1);
  token.set(payload, 5);
  return token.toString("base64url");
}

/** @throws {ConnectError} INVALID_ARGUMENT unless `seal` made it for the same scope. */
function unseal(scope: string, token: string): Buffer {
  const bytes = Buffer.from(token, "base64url");
  const payload = bytes.subarray(5);
  const issuedHere = bytes.length > 5 && bytes[0] === version &&
    bytes.toString("base64url") === token && bytes.readUInt32BE(1) === checksum(scope, payload);
  if (!issuedHere) throw notIssuedHere();
  return payload;
}

function notIssuedHere(): ConnectError {
  const problem = "page_token was not issued for this list; leave it empty for the first page";
  return new ConnectError(problem, Code.InvalidArgument);
}

/** FNV-1a, 32 bits, over the scope and the payload. */
function checksum(scope: string, payload: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const bytes of [Buffer.from(`${scope}\0`), payload]) {
    for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return hash >>> 0;
}

/** What a token is issued for; of the default tenant as before there were others. */
function scopeOf(tenantId: TenantId, list: string): string {
  return tenantId === defaultTenant ? list : `tenant ${tenantId} ${list}`;
}

/** The token of the page after the device `deviceId`. */
export function deviceToken(tenantId: TenantId, deviceId: string): string {
  return seal(scopeOf(tenantId, "devices"), Buffer.from(deviceId));
}

/** The device id that a token from `deviceToken` holds; undefined for the empty token. */
export function readDeviceToken(tenantId: TenantId, token: string): string | undefined {
  if (token === "") return undefined;
  const deviceId = unseal(scopeOf(tenantId, "devices"), token).toString();
  // The checksum is no secret: what somebody sealed who knows it must do no harm either.
  if (/\p{Cc}/u.test(deviceId)) throw notIssuedHere();
  return deviceId;
}

/** The token of the page after `position` among the readings of `deviceId`. */
export function readingToken(
  tenantId: TenantId,
  deviceId: string,
  { micros, tieBreak }: ReadingPosition,
): string {
  const payload = Buffer.alloc(16);
  payload.writeBigInt64BE(BigInt(micros), 0);
  payload.writeBigInt64BE(tieBreak, 8);
  return seal(scopeOf(tenantId, `readings ${deviceId}`), payload);
}

/** The position that a token from `readingToken` holds; undefined for the empty token. */
export function readReadingToken(
  tenantId: TenantId,
  deviceId: string,
  token: string,
): ReadingPosition | undefined {
  if (token === "") return undefined;
  const payload = unseal(scopeOf(tenantId, `readings ${deviceId}`), token);
  if (payload.length !== 16) throw notIssuedHere();
  const micros = Number(payload.readBigInt64BE(0));
  if (!Number.isSafeInteger(micros)) throw notIssuedHere();
  return { micros, tieBreak: payload.readBigInt64BE(8) };
}
