const amplitude = require("@amplitude/analytics-node");

const [url, key, at] = process.argv.slice(2);
const user = { user_id: "u1" };

async function send() {
  const options = { serverUrl: `${url}/2/httpapi`, flushIntervalMillis: 50 };
  await amplitude.init(key, options).promise;
  const groups = { company: "acme" };
  const time = new Date(at).getTime();
  amplitude.track("Signed Up", { plan: "pro" }, { ...user, groups, time });
  const traits = new amplitude.Identify().set("email", "ann@acme.example").set("title", "CTO");
  amplitude.identify(traits, user);
  amplitude.groupIdentify("company", "acme", new amplitude.Identify().set("name", "Acme"), user);
  // It sends by itself soon; what `flush` sends it does not try again.
}

send();
