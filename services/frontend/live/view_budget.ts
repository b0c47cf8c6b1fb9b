export interface ViewBudgetOptions {
  /** Views that may be live at once, of all clients and of each. */
  readonly max: number;
  readonly maxPerClient: number;
  readonly gauge?: { set(views: number): void };
}

/** Whose share is used up. */
export type Exhausted = "client" | "all";

/**
 * How many views may be live at once: each costs a poll of the backend every
 * second, a stream of server-sent events carries one or more.
 */
export class ViewBudget {
  readonly #options: ViewBudgetOptions;
  readonly #perClient = new Map<string, number>();
  #taken = 0;

  constructor(options: ViewBudgetOptions) {
    this.#options = options;
  }

  /** Takes room for `views`, until it is disposed; or says why there is none. */
  take(client: string, views: number): Disposable | Exhausted {
    const { max, maxPerClient } = this.#options;
    if ((this.#perClient.get(client) ?? 0) + views > maxPerClient) return "client";
    if (this.#taken + views > max) return "all";
    this.#add(client, views);
    let taken = true;
    return {
      [Symbol.dispose]: () => {
        if (taken) this.#add(client, -views);
        taken = false;
      },
    };
  }

  #add(client: string, views: number): void {
    this.#taken += views;
    const ofClient = (this.#perClient.get(client) ?? 0) + views;
    if (ofClient > 0) this.#perClient.set(client, ofClient);
    else this.#perClient.delete(client);
    this.#options.gauge?.set(this.#taken);
  }
}
