import type { PageFailure } from "../../look/page_failure.ts";

export const unknownDevice: PageFailure = {
  status: 404,
  title: "Device not found",
  sentence: "No device with this id has been registered.",
  passes: false,
};
