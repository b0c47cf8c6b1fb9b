/** What undoing would take away, and must not: a person has to move it first. */
export class CannotUndo extends Error {
  override readonly name = "CannotUndo";
}
