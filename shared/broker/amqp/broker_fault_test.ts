import assert from "node:assert/strict";
import { brokerFault } from "./broker_fault.ts";

const url = new URL("amqp://someone:s3cret@broker.example/factory");

function fault(message: string, at: URL = url) {
  const found = brokerFault(new Error(message), at);
  assert(!found.message.includes("s3cret"));
  return found;
}

Deno.test("brokerFault tells a wrong password from a broker that is away", () => {
  const refused = "Handshake terminated by server: 403 (ACCESS-REFUSED) with message " +
    '"ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN."';
  assert.deepEqual(fault(refused), {
    message: "Cannot connect to the broker at broker.example:5672: it refuses the user or password",
    permanent: true,
  });
  assert.deepEqual(fault("connect ECONNREFUSED 10.0.0.1:5672"), {
    message:
      "Cannot connect to the broker at broker.example:5672: connect ECONNREFUSED 10.0.0.1:5672",
    permanent: false,
  });
});

Deno.test("brokerFault names the virtual host, also one that is badly encoded", () => {
  const closed = "The broker refused the connection: 530 NOT_ALLOWED - vhost factory not found";
  assert.match(fault(closed).message, /no virtual host factory, or no access to it$/);
  assert.match(fault(closed, new URL("amqp://h")).message, /no virtual host \/, or/);
  assert.match(fault(closed, new URL("amqp://h/a%2fb")).message, /no virtual host a\/b, or/);
  assert.match(fault(closed, new URL("amqp://h/%zz")).message, /no virtual host %zz, or/);
  assert(fault(closed).permanent);
  assert(fault("530 NOT_ALLOWED - access to vhost 'factory' refused for user 'u'").permanent);
});

Deno.test("brokerFault knows what passes: a virtual host that is down, a limit that is reached", () => {
  // As RabbitMQ 3.10 and 4 say it.
  for (
    const refusal of [
      "541 INTERNAL_ERROR - access to vhost 'x' refused for user 'u': vhost 'x' is down",
      "530 NOT_ALLOWED - access to vhost 'x' refused for user 'u': connection limit (1) is reached",
      "530 NOT_ALLOWED - Connection refused for user 'u': user connection limit (1) is reached",
      "530 NOT_ALLOWED - connection refused: node connection limit (9) is reached",
      "530 NOT_ALLOWED - access to vhost 'x' refused for user 'u': connection limit cannot be " +
      "queried, timeout",
      "530 NOT_ALLOWED - number of channels opened for user 'u' has reached the maximum allowed " +
      "user limit of (1)",
    ]
  ) {
    const found = fault(`The broker refused the connection: ${refusal}`);
    assert(!found.permanent, refusal);
    assert(found.message.endsWith(refusal));
  }
  assert(!fault("The broker refused the connection: it would not say why").permanent);
});

Deno.test("brokerFault names the queue's property and the setting that mends it", () => {
  const inequivalent = (arg: string, rest: string) =>
    `Operation failed: QueueDeclare; 406 (PRECONDITION-FAILED) with message "PRECONDITION_FAILED ` +
    `- inequivalent arg '${arg}' for queue 'q' in vhost '/': ${rest}"`;
  for (
    const [arg, rest, expected] of [
      [
        "durable",
        "received 'false' but current is 'true'",
        "durable = true; set queue_durable to true, or delete the queue once it is empty",
      ],
      [
        "x-queue-type",
        "received none but current is the value 'quorum' of type 'longstr'",
        "x-queue-type = quorum; set queue_type to quorum, or delete the queue once it is empty",
      ],
      [
        "x-queue-type",
        "received the value 'quorum' of type 'longstr' but current is none",
        "x-queue-type = classic; set queue_type to classic, or delete the queue once it is empty",
      ],
      [
        "x-message-ttl",
        "received none but current is the value '60000' of type 'signedint'",
        "x-message-ttl = 60000; delete the queue once it is empty",
      ],
    ] as const
  ) {
    assert.deepEqual(fault(inequivalent(arg, rest)), {
      message: `Cannot use queue q: it exists with ${expected}`,
      permanent: true,
    });
  }
});

Deno.test("brokerFault tells a missing permission on a queue", () => {
  const found = fault(
    'Operation failed: QueueDeclare; 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - ' +
      "access to queue 'q' in vhost '/' refused for user 'someone'\"",
  );
  assert(found.permanent);
  assert.match(found.message, /^Cannot use the queues .*queue 'q'.*; grant the user permission$/);
});
