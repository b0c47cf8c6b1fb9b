import { defineActions } from "#shared/command/define_actions.ts";
import { backendSettings } from "../../backend/config.ts";
import { dropLettersAction } from "./drop_letters.ts";
import { listLettersAction } from "./list_letters.ts";
import { replayLettersAction } from "./replay_letters.ts";
import { showLetterAction } from "./show_letter.ts";

export const deadLettersCommand = defineActions({
  name: "dead-letters",
  task: true,
  summary: "Works on the messages that no retry could make readable.",
  actions: [listLettersAction, showLetterAction, replayLettersAction, dropLettersAction],
  unused: backendSettings,
});
