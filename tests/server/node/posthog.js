const { PostHog } = require("posthog-node");

const [url, key, at] = process.argv.slice(2);
const client = new PostHog(key, { host: url, fetchRetryDelay: 200 });
client.on("error", (error) => {
  throw error;
});
client.capture({
  distinctId: "u1",
  event: "Signed Up",
  properties: { plan: "pro" },
  groups: { company: "acme" },
  timestamp: new Date(at),
});
client.identify({ distinctId: "u1", properties: { email: "ann@acme.example", title: "CTO" } });
client.groupIdentify({ groupType: "company", groupKey: "acme", properties: { name: "Acme" } });
client.shutdown();
