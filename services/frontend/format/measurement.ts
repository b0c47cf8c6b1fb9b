/** A quantity that a device measures: what it is called and how it is written. */
export interface Quantity {
  readonly name: string;
  readonly unit: string;
  readonly decimals: number;
}

export const quantities = {
  temperature: { name: "Temperature", unit: "°C", decimals: 1 },
  humidity: { name: "Humidity", unit: "%", decimals: 1 },
  pressure: { name: "Pressure", unit: "hPa", decimals: 1 },
  batteryLevel: { name: "Battery", unit: "%", decimals: 0 },
} as const satisfies Readonly<Record<string, Quantity>>;

/** `21.4 °C`, with a no-break space and a true minus sign; zero has no sign. */
export function measurementText(value: number, { unit, decimals }: Quantity): string {
  const digits = value.toFixed(decimals);
  const text = Number(digits) === 0 ? digits.replace("-", "") : digits.replace("-", "\u2212");
  return `${text}\u00a0${unit}`;
}
