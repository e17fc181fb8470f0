"""An agent as its author wrote it for the published SDK: only the address is ours."""

import asyncio
import json
import os
import sys

from edictum import Edictum, EdictumDenied


def say(kind: str, **fields: object) -> None:
    print(json.dumps({"kind": kind, **fields}), flush=True)


async def read_file(path: str) -> str:
    return f"contents of {path}"


async def delete_file(path: str) -> str:
    return f"deleted {path}"


async def attempt(guard: Edictum, tool: str, args: dict, function) -> None:
    try:
        say("result", tool=tool, value=await guard.run(tool, args, function))
    except EdictumDenied as denied:
        say("denied", tool=tool, reason=str(denied))


async def main() -> None:
    guard = await Edictum.from_server(
        url=os.environ["LICTOR_URL"],
        api_key=os.environ["LICTOR_API_KEY"],
        agent_id="python-agent",
        env="production",
        bundle_name="assistant",
        tags={"team": "platform"},
    )
    say("connected", policy_version=guard.policy_version)
    await attempt(guard, "read_file", {"path": ".env"}, read_file)
    await attempt(guard, "read_file", {"path": "data.csv"}, read_file)
    await attempt(guard, "delete_file", {"path": "old.csv"}, delete_file)
    await attempt(guard, "delete_file", {"path": "new.csv"}, delete_file)
    before = guard.policy_version
    say("waiting")
    for _ in range(200):
        if guard.policy_version != before:
            break
        await asyncio.sleep(0.1)
    say("updated", policy_version=guard.policy_version)
    await attempt(guard, "read_file", {"path": "data.csv"}, read_file)
    # Published versions send what they recorded every five seconds, and not all of them at close.
    await asyncio.sleep(5.5)
    await guard.close()
    say("closed")


if __name__ == "__main__":
    asyncio.run(main())
    sys.exit(0)
