import { databaseSettings, historySettings, retentionSettings } from "../../backend/config.ts";

/** What of the backend's settings says what is to go. */
export const keptSettings = {
  db: databaseSettings,
  history: historySettings,
  retention: retentionSettings,
};
