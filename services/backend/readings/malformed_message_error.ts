export type MalformedReason = "undecodable" | "missing_field" | "out_of_range" | "from_future";

/** A message that no retry can make readable: dead-letter it, never requeue it. */
export class MalformedMessageError extends Error {
  override readonly name = "MalformedMessageError";
  readonly reason: MalformedReason;

  constructor(reason: MalformedReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
