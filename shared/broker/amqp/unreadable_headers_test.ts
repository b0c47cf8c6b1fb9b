import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { connect } from "amqplib";
import { amqpFixture, Taker } from "../../../tests/support/broker_fixture.ts";
import { nestedHeader } from "../../../tests/support/nested_header.ts";
import { amqpUrl } from "../../../tests/support/rabbitmq.ts";

Deno.test({
  name: "A message whose headers cannot be read is delivered without them, and holds up no other",
  ignore: amqpUrl === undefined,
  async fn() {
    await using fixture = amqpFixture();
    const { queue } = fixture;
    const taker = new Taker();
    const { onDelivery } = taker;
    await using broker = fixture.broker();
    await using subscription = await broker.subscribe({ queue, prefetch: 10, onDelivery });
    const connection = await connect(amqpUrl!);
    try {
      const channel = await connection.createConfirmChannel();
      const deep = nestedHeader(connection, 12_000);
      const send = (body: string, headers: Readonly<Record<string, unknown>>) =>
        channel.sendToQueue(queue, Buffer.from(body), {
          contentType: "text/plain",
          contentEncoding: "identity",
          messageId: body,
          headers,
        });
      send("before", { some: "header" });
      send("deep", { some: "header", deep });
      send("after", { some: "header" });
      await channel.waitForConfirms();
    } finally {
      await connection.close();
    }
    await taker.took(3);
    const found = taker.deliveries.map(({ headers, contentType, properties }) => ({
      headers,
      contentType,
      messageId: properties?.messageId,
    }));
    const like = (messageId: string, headers: object) => ({
      headers,
      contentType: "text/plain",
      messageId,
    });
    assert.deepEqual(taker.texts, ["before", "deep", "after"]);
    assert.deepEqual(found, [
      like("before", { some: "header" }),
      like("deep", {}),
      like("after", { some: "header" }),
    ]);
    subscription.ack(taker.deliveries);
  },
});
