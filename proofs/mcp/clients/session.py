"""The ClientSession of the Python SDK, 1 or 2, does what it is told, and says what it got."""

import asyncio
import json
import os
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


def plain(model):
    return json.loads(model.model_dump_json(by_alias=True, exclude_none=True))


async def settled(awaitable):
    try:
        return plain(await awaitable)
    except Exception as error:  # the text of any failure is what is compared
        return {"error": str(error)}


async def main():
    told = json.load(sys.stdin)
    program, *parameters = told["command"]
    server = StdioServerParameters(command=program, args=parameters, env=dict(os.environ))
    with open(os.devnull, "w") as nowhere:
        async with stdio_client(server, errlog=nowhere) as (read, write):
            async with ClientSession(read, write) as session:
                answer = {"initialize": plain(await session.initialize())}
                answer["tools"] = await settled(session.list_tools())
                answer["answers"] = [
                    await settled(session.call_tool(name, parameters)) for name, parameters in told["calls"]
                ]
    json.dump(answer, sys.stdout)


asyncio.run(main())
