// What TypeScript's MCP clients make of a server: prints one JSON object. Arguments: which of them
// ("v1", "v2", "v2-modern"), silent URL, large file.
//
// The endpoint, the token and the folder with node_modules come in MCP_URL, MCP_TOKEN, MCP_CLIENTS.

import { createRequire } from "node:module";

const [which, silent, path] = process.argv.slice(2);
const { MCP_URL, MCP_TOKEN, MCP_CLIENTS } = process.env;
const require = createRequire(`${MCP_CLIENTS}/`);
const { Client } = require(which === "v1" ? "@modelcontextprotocol/sdk/client/index.js" : "@modelcontextprotocol/client");
const { StreamableHTTPClientTransport } = require(
  which === "v1" ? "@modelcontextprotocol/sdk/client/streamableHttp.js" : "@modelcontextprotocol/client",
);

async function connected(token) {
  const options = which === "v2-modern" ? { versionNegotiation: { mode: "auto" } } : {};
  const client = new Client({ name: "test", version: "1" }, options);
  const headers = { Authorization: `Bearer ${token}` };
  await client.connect(new StreamableHTTPClientTransport(new URL(MCP_URL), { requestInit: { headers } }));
  return client;
}

const call = (client, name, args, options) => {
  const params = { name, arguments: args };
  return which === "v1" ? client.callTool(params, undefined, options) : client.callTool(params, options);
};

const said = {};
const client = await connected(MCP_TOKEN);
said.protocol = client.getNegotiatedProtocolVersion?.() ?? client.transport.protocolVersion;
said.tools = (await client.listTools()).tools.map((tool) => tool.name);
said.targets = (await call(client, "list-targets", {})).structuredContent.status;
const wrong = await call(client, "kerberos-file-read", { path: "//nowhere/share/x" });
said.failure = [wrong.isError, wrong.structuredContent.error.code];
const large = await call(client, "kerberos-file-read", { path });
said.large = large.structuredContent.data.content.length;
said.note = JSON.parse(large.content[0].text).note;
try {
  await client.request({ method: "prompts/list", params: {} }, which === "v1" ? require("@modelcontextprotocol/sdk/types.js").ListPromptsResultSchema : undefined);
} catch (error) {
  said.undeclared = error.code;
}
const giveUp = new AbortController();
setTimeout(() => giveUp.abort("changed my mind"), 2000);
await call(client, "kerberos-http-request", { url: silent, method: "POST" }, { signal: giveUp.signal }).catch(() => {});
said.afterwards = (await call(client, "user-info", {})).structuredContent.status;
await client.close();
try {
  await call(await connected(`${MCP_TOKEN}x`), "user-info", {});
} catch (error) {
  said.refusal = String(error);
}
console.log(JSON.stringify(said));
process.exit(0);
