/** The lines that `act` prints. */
export async function said(
  act: (print: (line: string) => Promise<void>) => Promise<void>,
): Promise<readonly string[]> {
  const lines: string[] = [];
  await act((line) => {
    lines.push(line);
    return Promise.resolve();
  });
  return lines;
}
