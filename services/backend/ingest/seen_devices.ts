/** What remembers when devices were last seen. */
export interface SeenDevices {
  /** @param micros Unix microseconds of a reading */
  note(deviceId: string, micros: number): void;
}
