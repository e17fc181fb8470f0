#!/usr/bin/env bash
# mcp 2.3.0 from PyPI (MCPServer; FastMCP of 1.x likewise): a text argument that may be absent is parsed as JSON before the tool gets it.
#
# `content: str | None` is shown to clients as "string or null", and most texts arrive as sent. The text `null` arrives as
# None, so the tool takes its default and reports success; the text `{"port": 1}`, a perfectly good file, is refused with
# "Input should be a valid string", and no spelling of it passes but a second encoding. An argument that may also be a list
# arrives as a list. What was sent, judged, approved and logged is text; what runs is something else. Only an argument of
# exactly `str` is left alone. The package fastmcp, which has the same ancestor, does not do this.
#
# Seen with Python 3.11.7:
#   shown: string, null
#   sent 'hello': ran with 'hello'
#   sent 'null': ran with None
#   sent '{"port": 1}': refused
#   exactly str, sent '{"port": 1}': ran with '{"port": 1}'
#   str or list, sent '["a"]': ran with ['a']
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check mcp==2.3.0
cat > seen.py <<'PY'
import asyncio
import logging

from mcp import Client
from mcp.server.mcpserver import MCPServer

logging.disable(logging.CRITICAL)
server = MCPServer('files')


@server.tool()
def write(content: str | None = None) -> str:
    return f'ran with {content!r}'


@server.tool()
def write_exactly(content: str) -> str:
    return f'ran with {content!r}'


@server.tool()
def tag(tags: str | list[str]) -> str:
    return f'ran with {tags!r}'


async def main():
    async with Client(server) as client:
        async def call(name, **arguments):
            result = await client.call_tool(name, arguments)
            return 'refused' if result.is_error else result.content[0].text

        listed = {tool.name: tool for tool in (await client.list_tools()).tools}
        shown = listed['write'].input_schema['properties']['content']['anyOf']
        print('shown:', ', '.join(each['type'] for each in shown))
        for text in ['hello', 'null', '{"port": 1}']:
            print(f'sent {text!r}:', await call('write', content=text))
        print("exactly str, sent '{\"port\": 1}':", await call('write_exactly', content='{"port": 1}'))
        print("str or list, sent '[\"a\"]':", await call('tag', tags='["a"]'))


asyncio.run(main())
PY
seen=$(python/bin/python seen.py)
echo "$seen"
[ "$seen" = "shown: string, null
sent 'hello': ran with 'hello'
sent 'null': ran with None
sent '{\"port\": 1}': refused
exactly str, sent '{\"port\": 1}': ran with '{\"port\": 1}'
str or list, sent '[\"a\"]': ran with ['a']" ]
