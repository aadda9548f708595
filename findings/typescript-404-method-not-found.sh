#!/bin/bash
# MCP's TypeScript client 2.4.0, revision 2026-07-28: an unknown method is no JSON-RPC error to it.
#
# The revision has servers answer it with HTTP 404 and the JSON-RPC error -32601. The client reads the
# JSON-RPC error out of an HTTP 400, but of a 404 it makes a transport error of its own, with the code
# CLIENT_HTTP_NOT_IMPLEMENTED: whoever asks for `error.code === -32601`, to go without an optional
# method, asks in vain.
#
#   server answers                      the caller gets
#   400 and error -32602                ProtocolError, code -32602
#   404 and error -32601                SdkHttpError, code CLIENT_HTTP_NOT_IMPLEMENTED
#
# Needs Node 20 or later and npm. Everything is in a temporary folder and on loopback. Exits with 1 if
# the behaviour is another one.
set -euo pipefail
VERSION=2.4.0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --loglevel=error "@modelcontextprotocol/client@$VERSION" >/dev/null
cat >client.mjs <<'X'
import http from "node:http";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

const discovered = {
  resultType: "complete", ttlMs: 0, cacheScope: "private", supportedVersions: ["2026-07-28"],
  capabilities: { tools: {} }, serverInfo: { name: "server", version: "1" },
};
const server = http.createServer((request, response) => {
  let text = "";
  request.on("data", (piece) => (text += piece));
  request.on("end", () => {
    const { id, method } = JSON.parse(text);
    const [status, answer] = {
      "server/discover": [200, { result: discovered }],
      "tools/list": [400, { error: { code: -32602, message: "wrong params" } }],
    }[method] ?? [404, { error: { code: -32601, message: "no such method" } }];
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify({ jsonrpc: "2.0", id, ...answer }));
  });
}).listen(0, "127.0.0.1", async () => {
  const client = new Client({ name: "test", version: "1" }, { versionNegotiation: { mode: "auto" } });
  const url = new URL(`http://127.0.0.1:${server.address().port}/mcp`);
  await client.connect(new StreamableHTTPClientTransport(url));
  console.log("revision", client.getNegotiatedProtocolVersion());
  for (const method of ["tools/list", "prompts/list"]) {
    const error = await client.request({ method, params: {} }).catch((error) => error);
    console.log(method, error.constructor.name, error.code);
  }
  process.exit(0);
});
X
echo "@modelcontextprotocol/client $VERSION, Node $(node --version)"
node client.mjs | tee said
diff said - <<'X'
revision 2026-07-28
tools/list ProtocolError -32602
prompts/list SdkHttpError CLIENT_HTTP_NOT_IMPLEMENTED
X
