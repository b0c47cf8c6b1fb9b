/**
 * Sections that a config file may have, whichever command reads it: each
 * program judges its own, and passes over those of the others.
 */
export const configSections: readonly string[] = [
  "log",
  "generator",
  "backend",
  "frontend",
  "migrate",
  "verify",
  "dead_letters",
  "parked",
  "rollups",
];
