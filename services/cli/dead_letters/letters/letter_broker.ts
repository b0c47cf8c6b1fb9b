import type { ConfigOf } from "#shared/config/setting.ts";
import { backendSettings } from "../../../backend/config.ts";

const { url, sensor_queue: sensorQueue, device_queue: deviceQueue, queue_type: queueType } =
  backendSettings.backend.rabbitmq;

/** The settings of the broker that has the letters, and of the queues that they come from. */
export const letterBrokerSettings = { url, sensor_queue: sensorQueue, device_queue: deviceQueue };

/** The same, of actions that may end before they have gone through a queue; see `walkLetters`. */
export const endingBrokerSettings = { ...letterBrokerSettings, queue_type: queueType };

export type LetterBroker = ConfigOf<typeof letterBrokerSettings>;
export type QueueType = ConfigOf<typeof endingBrokerSettings>["queueType"];
