import { sqlState } from "../../services/backend/store/connection/write_failure.ts";

/** Does what needs partitions, as the backend does: again where others took too long with them. */
export async function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (sqlState(error) !== "55P03") throw error;
    return await inTurn(work);
  }
}
