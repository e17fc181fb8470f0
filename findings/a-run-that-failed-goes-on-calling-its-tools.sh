#!/usr/bin/env bash
# openai-agents 0.24.0, pydantic-ai-slim 2.68.0 and langgraph 1.2.24 from PyPI: a run that has raised may still be paying.
#
# A model asks for two tools in one answer, and one of them raises through the run. "The run failed" reads like "nothing goes
# on". Whether that is so depends on the framework and on a word before the other tool: openai-agents and pydantic-ai cancel it
# where it is `async def`, in the middle of its work, and leave it to its thread where it is `def`; langgraph cancels neither.
# Whoever catches the error and runs the agent again pays twice, and whoever closes a connection or a budget after the error
# does so under a tool that is still at work. A tool with effects needs a key by which the second call is known, and its own
# way to learn that it is too late.
#
# Seen with Python 3.11.7; `pay` waits until the run has raised:
#   openai-agents, async def pay: cancelled
#   openai-agents, def pay: paid after the run had raised
#   pydantic-ai, async def pay: cancelled
#   pydantic-ai, def pay: paid after the run had raised
#   langgraph, async def pay: paid after the run had raised
#   langgraph, def pay: paid after the run had raised
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check openai-agents==0.24.0 pydantic-ai-slim==2.68.0 langgraph==1.2.24
cat > seen.py <<'PY'
import asyncio
import json
import logging
import threading

from agents import Agent, Model, ModelResponse, Runner, Usage, function_tool, set_tracing_disabled
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.graph import MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from openai.types.responses import ResponseFunctionToolCall
from pydantic_ai import Agent as PydanticAgent
from pydantic_ai.messages import ModelResponse as PydanticResponse
from pydantic_ai.messages import ToolCallPart
from pydantic_ai.models.function import FunctionModel

logging.disable(logging.CRITICAL)
set_tracing_disabled(True)


def tools_of_a_run():
    """`check` raises once `pay` has begun; `pay` ends once the run has raised. How `pay` ended is put into `ended`."""
    begun, raised, ended = threading.Event(), threading.Event(), []

    async def until(event):
        while not event.is_set():
            await asyncio.sleep(0.005)

    async def check() -> str:
        """Checks."""
        await until(begun)
        raise ValueError('not enough money')

    async def pay_async() -> str:
        """Pays."""
        begun.set()
        try:
            await until(raised)
        except asyncio.CancelledError:
            ended.append('cancelled')
            raise
        ended.append('paid after the run had raised')
        return 'paid'

    def pay_sync() -> str:
        """Pays."""
        begun.set()
        raised.wait()
        ended.append('paid after the run had raised')
        return 'paid'

    return check, pay_async, pay_sync, raised, ended


class TwoCalls(Model):
    async def get_response(self, *args, **kwargs):
        calls = [
            ResponseFunctionToolCall(type='function_call', call_id=name, name=name, arguments=json.dumps({}))
            for name in ('check', 'pay')
        ]
        return ModelResponse(output=calls, usage=Usage(), response_id=None)

    def stream_response(self, *args, **kwargs):
        raise NotImplementedError


async def openai_agents(check, pay):
    asks = [function_tool(each, name_override=name, failure_error_function=None) for name, each in (('check', check), ('pay', pay))]
    await Runner.run(Agent(name='clerk', model=TwoCalls(), tools=asks), 'pay')


async def pydantic_ai(check, pay):
    agent = PydanticAgent(FunctionModel(lambda messages, info: PydanticResponse(parts=[ToolCallPart('check', {}), ToolCallPart('pay', {})])))
    agent.tool_plain(check, name='check')
    agent.tool_plain(pay, name='pay')
    await agent.run('pay')


async def langgraph(check, pay):
    graph = StateGraph(MessagesState)
    graph.add_node('tools', ToolNode([tool('check')(check), tool('pay')(pay)]))
    graph.set_entry_point('tools')
    calls = [{'name': name, 'args': {}, 'id': name} for name in ('check', 'pay')]
    await graph.compile().ainvoke({'messages': [AIMessage(content='', tool_calls=calls)]})


async def main():
    for name, run in (('openai-agents', openai_agents), ('pydantic-ai', pydantic_ai), ('langgraph', langgraph)):
        for kind in ('async def', 'def'):
            check, pay_async, pay_sync, raised, ended = tools_of_a_run()
            try:
                await run(check, pay_async if kind == 'async def' else pay_sync)
                print(f'{name}: did not raise')
            except Exception:
                raised.set()
            for _ in range(200):
                if ended:
                    break
                await asyncio.sleep(0.05)
            print(f'{name}, {kind} pay:', ' '.join(ended) or 'unknown')


asyncio.run(main())
PY
seen=$(python/bin/python seen.py)
echo "$seen"
[ "$seen" = 'openai-agents, async def pay: cancelled
openai-agents, def pay: paid after the run had raised
pydantic-ai, async def pay: cancelled
pydantic-ai, def pay: paid after the run had raised
langgraph, async def pay: paid after the run had raised
langgraph, def pay: paid after the run had raised' ]
