const { Analytics } = require("@segment/analytics-node");

const [url, key, at] = process.argv.slice(2);
const client = new Analytics({ writeKey: key, host: url, flushInterval: 50 });
client.on("error", (error) => {
  throw error;
});
client.track({
  userId: "u1",
  event: "Signed Up",
  properties: { plan: "pro" },
  context: { groupId: "acme" },
  timestamp: new Date(at),
});
client.identify({ userId: "u1", traits: { email: "ann@acme.example", title: "CTO" } });
client.group({ userId: "u1", groupId: "acme", traits: { name: "Acme" } });
client.closeAndFlush({ timeout: 20000 });
