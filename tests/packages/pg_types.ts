/** Where the compiler finds the types of `pg`, which has none of its own. */
export type * from "npm:@types/pg@8.23.1";
