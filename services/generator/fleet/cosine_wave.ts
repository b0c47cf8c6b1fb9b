/**
 * The cosine of `turns` whole turns, to within 0.0004. A polynomial and not
 * `Math.cos`, whose last bits may differ between engines and versions: a
 * reading must come out the same to the bit wherever it is computed again.
 */
export function cosineWave(turns: number): number {
  const offset = turns - Math.floor(turns);
  const fromPeak = offset > 0.5 ? 1 - offset : offset;
  // A quarter turn is 1; the polynomial is sin(x * pi / 2), exact at 0 and 1 in value and slope.
  const x = 1 - 4 * fromPeak;
  const squared = x * x;
  return x * (Math.PI / 2 + squared * (2.5 - Math.PI + squared * (Math.PI / 2 - 1.5)));
}
