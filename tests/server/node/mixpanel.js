const Mixpanel = require("mixpanel");

const [url, key, at] = process.argv.slice(2);
const client = Mixpanel.init(key, { host: new URL(url).host, protocol: "http" });
const check = (error) => {
  const first = Array.isArray(error) ? error.find(Boolean) : error;
  if (first) throw first;
};
const event = { distinct_id: "u1", plan: "pro", company: "acme", time: new Date(at) };
client.track("Signed Up", event, check);
client.track_batch([{ event: "Invite Sent", properties: event }], check);
client.alias("x1", "u1", check);
client.people.set("u1", { $email: "ann@acme.example", title: "CTO" }, check);
client.groups.set("company", "acme", { $name: "Acme" }, check);
