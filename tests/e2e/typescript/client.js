// The official TypeScript MCP client, told what to do by lines of JSON.
//
//   node client.js stdio COMMAND [ARGUMENT…]
//   node client.js http URL TOKEN
//
// Each line of standard input is {"id", "method", "arguments"}: a method of the SDK's
// `Client` and what it takes. Each line of standard output answers one with {"id",
// "result"} or {"id", "error"}, or tells of a notification with {"notification"}.

import { createInterface } from "node:readline";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const [door, ...rest] = process.argv.slice(2);

function transport() {
  if (door === "http") {
    const [url, token] = rest;
    const headers = { Authorization: `Bearer ${token}` };
    return new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
  }
  const [command, ...args] = rest;
  return new StdioClientTransport({ command, args, env: process.env });
}

const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

const client = new Client({ name: "official-typescript-client", version: "1.0.0" });
client.fallbackNotificationHandler = async (notification) => say({ notification });
await client.connect(transport());
say({ id: 0, result: { server: client.getServerVersion(), capabilities: client.getServerCapabilities() } });

async function carryOut({ id, method, arguments: given }) {
  try {
    // JSON has no `undefined`, which the SDK takes for an argument that was left out.
    const taken = given.map((argument) => argument ?? undefined);
    say({ id, result: (await client[method](...taken)) ?? {} });
  } catch (error) {
    say({ id, error: String(error?.message ?? error) });
  }
}

const underWay = new Set();
for await (const line of createInterface({ input: process.stdin })) {
  const call = carryOut(JSON.parse(line));
  underWay.add(call);
  call.finally(() => underWay.delete(call));
}
await Promise.all(underWay);
await client.close();
process.exit(0);
