const RudderAnalytics = require("@rudderstack/rudder-sdk-node");

const [url, key, at] = process.argv.slice(2);
const client = new RudderAnalytics(key, { dataPlaneUrl: url, flushInterval: 50 });
client.track({
  userId: "u1",
  event: "Signed Up",
  properties: { plan: "pro" },
  context: { groupId: "acme" },
  timestamp: new Date(at),
});
client.identify({ userId: "u1", traits: { email: "ann@acme.example", title: "CTO" } });
client.group({ userId: "u1", groupId: "acme", traits: { name: "Acme" } });
client.flush();
