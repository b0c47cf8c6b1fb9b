/** A quantity that devices measure. */
interface Measure {
  /** Of the message `SensorReading`, as TypeScript has it. */
  readonly field: string;
  /** Of the tables with readings; the field's name in the proto too. */
  readonly column: string;
  /** The least and the largest value that is accepted. */
  readonly min: number;
  readonly max: number;
  readonly label: string;
  readonly unit: string;
  /** Digits that are shown after the point. */
  readonly decimals: number;
  /**
   * Whether a reading may come without it, as from a producer that is older
   * than the field: `optional` in the proto, nullable in the tables, and no part
   * of a reading's identity where it is not set.
   */
  readonly optional: boolean;
}

/**
 * What a reading measures, in the order in which it is shown, and in which its
 * identity is computed: only ever append. A measure that is new needs its field
 * in the proto, its columns in a migration and its line here and in `valuesOf`,
 * and something in the generator that it comes from.
 */
export const measures = [
  {
    field: "temperature",
    column: "temperature",
    min: -90,
    max: 150,
    label: "Temperature",
    unit: "°C",
    decimals: 1,
    optional: false,
  },
  {
    field: "humidity",
    column: "humidity",
    min: 0,
    max: 100,
    label: "Humidity",
    unit: "%",
    decimals: 1,
    optional: false,
  },
  {
    field: "pressure",
    column: "pressure",
    min: 300,
    max: 1_100,
    label: "Pressure",
    unit: "hPa",
    decimals: 1,
    optional: false,
  },
  {
    field: "batteryLevel",
    column: "battery_level",
    min: 0,
    max: 100,
    label: "Battery",
    unit: "%",
    decimals: 0,
    optional: false,
  },
] as const satisfies readonly Measure[];

type Measures = (typeof measures)[number];
type Required = Extract<Measures, { readonly optional: false }>;
type Optional = Extract<Measures, { readonly optional: true }>;

/** The values of a reading by field. */
export type Measured =
  & { readonly [M in Required as M["field"]]: number }
  & { readonly [M in Optional as M["field"]]?: number | undefined };

/** The same by column; null where an optional one is not set. */
export type MeasuredColumns =
  & { readonly [M in Required as M["column"]]: number }
  & { readonly [M in Optional as M["column"]]: number | null };

/** The same in the order of `measures`; undefined where an optional one is not set. */
export type MeasuredValues = (number | undefined)[];

/** Written out: keys in a loop would cost a tenth of all that decoding takes. */
export function valuesOf(
  { temperature, humidity, pressure, batteryLevel }: Measured,
): MeasuredValues {
  return [temperature, humidity, pressure, batteryLevel];
}
