import process from "node:process";

/** A terminal that has room for one line which is drawn again and again. */
export interface Terminal {
  /** Characters that fit a line. */
  readonly columns: number;
  /** Draws the line in place of the one before; the empty text takes it away. */
  draw(line: string): void;
}

const clearLine = "\r\x1b[2K";
/** What stands on the terminal's last line: a process has one terminal. */
let shown = "";

/** Standard error, if it is a terminal: what is printed for machines goes to standard output. */
export function standardTerminal(): Terminal | undefined {
  const { stderr } = process;
  if (!stderr.isTTY) return undefined;
  return {
    get columns() {
      // A terminal that doesn't know its size says 0.
      return stderr.columns || 80;
    },
    draw(line) {
      if (line === shown) return;
      shown = line;
      stderr.write(clearLine + line);
    },
  };
}

/** Prints, by `print`, whole lines that would be mixed up with the one that is drawn. */
export function aboveStatusLine(print: () => void): void {
  if (shown === "") return print();
  process.stderr.write(clearLine);
  print();
  process.stderr.write(shown);
}
