// Takes Legwork's records: checks the signature, keeps the newest record of each call in a file, and answers.

import { createServer } from "node:http";
import { appendFileSync, closeSync, fdatasyncSync, openSync, readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";

// One secret, or several separated by spaces: a record is genuine if one of them fits.
const SIGNERS = process.env.LEGWORK_SECRET.split(" ").map((secret) => new Webhook(secret));
const FILE = process.env.FILE ?? "calls.jsonl";
const PORT = Number(process.env.PORT ?? 8080);
// A record has some kilobytes; one with hundreds of callbacks is still far below this.
const LARGEST_BODY = 8 * 1024 * 1024;

// A line for each webhook-id: what it told us, or null where we knew better. All of it is kept in memory: put a database
// in the place of the file before there are millions.
const received = new Set();
const calls = new Map();
const file = open();

const server = createServer(async (request, response) => {
  // One request that goes wrong does not end the process; Legwork sends it again.
  response.statusCode = await answer(request).catch((error) => (console.error(error), 500));
  response.end();
});

async function answer(request) {
  if (request.method !== "POST") return 405;
  // Legwork says how long a body is, and node holds every sender to what it said.
  const length = Number(request.headers["content-length"]);
  if (!(length <= LARGEST_BODY)) return 413;
  // The very bytes that came: the signature is over these.
  const body = Buffer.concat(await request.toArray()).toString();
  if (!isGenuine(body, request.headers)) return 401;
  const record = JSON.parse(body);
  if (record.type.startsWith("legwork.call.")) take(request.headers["webhook-id"], record);
  // A ping, or a type that is newer than this receiver: nothing to keep, and no reason to have it sent again.
  return 204;
}

// Signed with one of our secrets, within the last five minutes?
function isGenuine(body, headers) {
  return SIGNERS.some((signer) => {
    try {
      signer.verify(body, headers, { jsonParse: false });
      return true;
    } catch {
      return false;
    }
  });
}

// Keep a record, once. What is written is on the disk before the answer, so after a crash it is there or it comes again.
// Nothing here waits, so no two requests get in each other's way.
function take(webhookId, record) {
  if (received.has(webhookId)) return;
  const news = isNewer(record, calls.get(keyOf(record)));
  // The line break goes first: what a full disk or a crash cut off before is then a line of its own.
  appendFileSync(file, "\n" + JSON.stringify({ webhook_id: webhookId, record: news ? record : null }));
  fdatasyncSync(file);
  remember(webhookId, news ? record : null);
  // If it is news, your work begins here: hand the record to a queue, or to whoever wants to know.
  const what = news ? record.type : "older than what is known";
  console.log(`${what}: ${record.data.call_sid} revision ${record.data.revision}`);
}

// The higher revision wins; of two with the same one, a record with legs wins over one that says there are none to be had.
function isNewer(record, held) {
  if (held === undefined) return true;
  if (record.data.revision !== held.data.revision) return record.data.revision > held.data.revision;
  return record.type !== "legwork.call.unavailable";
}

function keyOf({ data }) {
  return `${data.account_sid}/${data.call_sid}`;
}

function remember(webhookId, record) {
  received.add(webhookId);
  if (record !== null) calls.set(keyOf(record), record);
}

// Read what was kept before. A line that was cut off was never answered with 204: its record comes again.
function open() {
  const descriptor = openSync(FILE, "a+");
  for (const line of readFileSync(FILE, "utf8").split("\n")) {
    try {
      const { webhook_id: webhookId, record } = JSON.parse(line);
      remember(webhookId, record);
    } catch {
      if (line) console.error(`passed over a line that was cut off: ${line.length} characters`);
    }
  }
  return descriptor;
}

server.listen(PORT, "127.0.0.1", () => console.log(`listening on port ${server.address().port}`));

process.on("SIGTERM", () => {
  server.close(() => closeSync(file));
  server.closeIdleConnections();
});
