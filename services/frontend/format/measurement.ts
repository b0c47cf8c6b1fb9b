/** How a quantity is written. */
interface Quantity {
  readonly unit: string;
  readonly decimals: number;
}

/** `21.4 °C`, with a no-break space and a true minus sign; zero has no sign. A dash for none. */
export function measurementText(
  value: number | undefined,
  { unit, decimals }: Quantity,
): string {
  if (value === undefined) return "–";
  const digits = value.toFixed(decimals);
  const text = Number(digits) === 0 ? digits.replace("-", "") : digits.replace("-", "\u2212");
  return `${text}\u00a0${unit}`;
}
