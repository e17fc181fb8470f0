"""The Client of the Python SDK 2, which tries the newer era first, does what it is told, and says what it got."""

import asyncio
import json
import os
import sys

from mcp import Client, StdioServerParameters, types


def plain(model):
    return json.loads(model.model_dump_json(by_alias=True, exclude_none=True))


async def settled(awaitable):
    try:
        return plain(await awaitable)
    except Exception as error:  # the text of any failure is what is compared
        return {"error": str(error)}


async def accept(context, params):
    return types.ElicitResult(action="accept", content={"confirm": True})


async def main():
    told = json.load(sys.stdin)
    program, *parameters = told["command"]
    server = StdioServerParameters(command=program, args=parameters, env=dict(os.environ))
    async with Client(server, elicitation_callback=accept) as client:
        answer = {
            "version": client.protocol_version,
            "server": plain(client.server_info) if client.server_info else None,
            "capabilities": plain(client.server_capabilities),
            "instructions": client.instructions,
            "tools": await settled(client.list_tools()),
            "answers": [await settled(client.call_tool(name, parameters)) for name, parameters in told["calls"]],
        }
    json.dump(answer, sys.stdout)


asyncio.run(main())
