// fastmcp (TypeScript) behind one check of an ES256 token for each request.
//   node server.mjs PORT ISSUER KEYS
import { readFileSync } from "node:fs";
import { FastMCP } from "fastmcp";
import { importJWK, jwtVerify } from "jose";
import { z } from "zod";

const [port, issuer, keys] = process.argv.slice(2);
const key = await importJWK(JSON.parse(readFileSync(keys, "utf8")).keys[0], "ES256");
const server = new FastMCP({
  name: "bare",
  version: "1.0.0",
  logger: { debug() {}, error() {}, info() {}, log() {}, warn() {} },
  authenticate: async (request) => {
    const token = (request.headers.authorization ?? "").replace(/^Bearer /, "");
    const { payload } = await jwtVerify(token, key, { issuer, audience: "mcp-oauth" });
    return { subject: payload.sub };
  },
});
server.addTool({
  name: "user-info",
  description: "Who is it?",
  parameters: z.object({}),
  execute: async (_, { session }) => JSON.stringify({ status: "success", data: session }),
});
await server.start({
  transportType: "httpStream",
  httpStream: { port: Number(port), stateless: true, enableJsonResponse: true },
});
