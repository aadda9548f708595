"""What Python's MCP client makes of a server: prints one JSON object. Arguments: mode, silent URL, large file.

The endpoint and the token come in MCP_URL and MCP_TOKEN.
"""

import asyncio
import json
import os
import sys

import anyio
import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

MODE, SILENT, LARGE = sys.argv[1:]
URL, TOKEN = os.environ["MCP_URL"], os.environ["MCP_TOKEN"]


def client(token):
    http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, trust_env=False)
    return Client(streamable_http_client(URL, http_client=http), mode=MODE)


def first(error):
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def main():
    said = {}
    async with client(TOKEN) as session:
        said["protocol"] = session.protocol_version
        said["tools"] = [tool.name for tool in (await session.list_tools()).tools]
        targets = await session.call_tool("list-targets")
        said["targets"] = targets.structured_content["status"]
        wrong = await session.call_tool("kerberos-file-read", {"path": "//nowhere/share/x"})
        said["failure"] = [wrong.is_error, wrong.structured_content["error"]["code"]]
        large = await session.call_tool("kerberos-file-read", {"path": LARGE})
        said["large"] = len(large.structured_content["data"]["content"])
        said["note"] = json.loads(large.content[0].text)["note"]
        try:
            await session.list_prompts()
        except MCPError as error:
            said["undeclared"] = error.error.code
        arguments = {"url": SILENT, "method": "POST"}
        with anyio.move_on_after(2):
            await session.call_tool("kerberos-http-request", arguments)
        said["afterwards"] = (await session.call_tool("user-info", {})).structured_content["status"]
    try:
        async with client(TOKEN + "x") as session:
            await session.call_tool("user-info", {})
    except BaseException as error:
        said["refusal"] = str(first(error))
    print(json.dumps(said))


asyncio.run(main())
