import { type Kysely, sql } from "kysely";

const name = "0005_mixed_tie_breaks";
/** The low bits of a tie break hold the hash, the bits above nanoseconds. */
const hashBits = 53n;
const pageRows = 5_000;

type Hash = (values: DataView) => number;

/**
 * Gives the readings that are stored and parked the tie break of a hash whose
 * lanes mix, so that one that is delivered again is still the one that is there.
 * All is one transaction: writers wait for it, readers do not. What a release
 * that computes the other hash stores after it would be taken for another
 * reading when it is delivered again: such a release starts no more, and one
 * that runs must be stopped before.
 *
 * It rewrites every row, which takes about as long as storing them did, and as
 * much space again until vacuum has been there.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await rehash(db, mixedHash);
  await describe(db, "bits 53 up: nanoseconds past the microsecond, 0 to 999; below: HalfSipHash");
  await sql`insert into schema_floor (must_know, required_by) values (${name}, ${name})`
    .execute(db);
}

/** Undoing it rewrites every row as well, and keeps them all. */
export const takesNoData = true;

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`delete from schema_floor where required_by = ${name}`.execute(db);
  await rehash(db, twoLaneHash);
  await describe(db, "bits 53 up: nanoseconds past the microsecond, 0 to 999; below: hash");
}

async function describe(db: Kysely<unknown>, words: string): Promise<void> {
  await sql`comment on column sensor_readings.tie_break is ${
    sql.lit(`${words} of the measured values`)
  }`.execute(db);
}

async function rehash(db: Kysely<unknown>, hash: Hash): Promise<void> {
  // Each row by its place, whatever the planner believes of the table.
  await sql`set local enable_hashjoin = off`.execute(db);
  await sql`set local enable_mergejoin = off`.execute(db);
  for (const table of ["sensor_readings", "parked_readings"]) {
    await sql`lock table ${sql.table(table)} in share row exclusive mode`.execute(db);
    let after: string | undefined;
    do after = await rehashPage(db, table, after, hash); while (after !== undefined);
  }
  await sql`set local enable_hashjoin to default`.execute(db);
  await sql`set local enable_mergejoin to default`.execute(db);
}

interface Stored {
  readonly row: string;
  /** The key, as a row's text. */
  readonly key: string;
  readonly tie: string;
  readonly measured: Uint8Array;
}

/** Rehashes the rows from after a key, and returns the last one's; one that moves ahead is passed twice. */
async function rehashPage(
  db: Kysely<unknown>,
  table: string,
  after: string | undefined,
  hash: Hash,
): Promise<string | undefined> {
  const from = after === undefined ? sql`true` : sql`(device_id, "timestamp", tie_break) > (
    (${after}::json->>0)::text,
    timestamptz 'epoch' + (${after}::json->>1)::float8 * interval '1 microsecond',
    (${after}::json->>2)::bigint
  )`;
  const { rows } = await sql<Stored>`
    select ctid::text as row, tie_break::text as tie,
      json_build_array(
        device_id, (extract(epoch from "timestamp") * 1000000)::bigint, tie_break::text
      )::text as key,
      float8send(temperature) || float8send(humidity)
        || float8send(pressure) || float8send(battery_level) as measured
    from ${sql.table(table)}
    where ${from}
    order by device_id, "timestamp", tie_break
    limit ${sql.lit(pageRows)}`.execute(db);
  const changed = rows.map(({ row, tie, measured }) => ({
    row,
    tie: rehashed(tie, measured, hash),
  }))
    .filter(({ tie }, at) => tie !== rows[at]!.tie);
  if (changed.length > 0) {
    await sql`
      update ${sql.table(table)} r set tie_break = n.tie
      from json_to_recordset(${JSON.stringify(changed)}) as n("row" tid, tie bigint)
      where r.ctid = n."row"`.execute(db);
  }
  return rows.length < pageRows ? undefined : rows.at(-1)!.key;
}

function rehashed(tie: string, measured: Uint8Array, hash: Hash): string {
  const values = new DataView(measured.buffer, measured.byteOffset, measured.byteLength);
  return String((BigInt(tie) >> hashBits << hashBits) | BigInt(hash(values)));
}

/** The rounds of HalfSipHash-2-4, under a key that is no secret. */
function mixedHash(values: DataView): number {
  let [a, b, c, d] = [0x736f6d65, 0x646f7261, 0x6c796765, 0x74656462];
  const mix = (rounds: number) => {
    for (let round = 0; round < rounds; round++) {
      a = (a + b) | 0;
      b = (b << 5 | b >>> 27) ^ a;
      a = a << 16 | a >>> 16;
      c = (c + d) | 0;
      d = (d << 8 | d >>> 24) ^ c;
      a = (a + d) | 0;
      d = (d << 7 | d >>> 25) ^ a;
      c = (c + b) | 0;
      b = (b << 13 | b >>> 19) ^ c;
      c = c << 16 | c >>> 16;
    }
  };
  for (let at = 0; at < 32; at += 4) {
    const word = values.getInt32(at);
    d ^= word;
    mix(2);
    a ^= word;
  }
  c ^= 0xff;
  mix(4);
  return ((a ^ c) >>> 11) * 2 ** 32 + ((b ^ d) >>> 0);
}

/** Two 32-bit lanes that never meet, each mixing every word with an odd constant of its own. */
export function twoLaneHash(values: DataView): number {
  let low = 0x9e3779b9;
  let high = 0x85ebca6b;
  for (let at = 0; at < 32; at += 4) {
    const word = values.getUint32(at);
    low = Math.imul(low ^ word, 0x2c1b3c6d);
    low ^= low >>> 15;
    high = Math.imul(high ^ word, 0x297a2d39);
    high ^= high >>> 13;
  }
  low = Math.imul(low ^ (low >>> 12), 0x7feb352d);
  high = Math.imul(high ^ (high >>> 16), 0x846ca68b);
  return ((high ^ (high >>> 15)) >>> 11) * 2 ** 32 + ((low ^ (low >>> 15)) >>> 0);
}
