import { visibleId } from "../format/visible_text.ts";

/** A device's id as one can see it, whatever it holds, and whichever way it is written. */
export function DeviceName({ deviceId }: { readonly deviceId: string }) {
  return <bdi class="id">{visibleId(deviceId)}</bdi>;
}
