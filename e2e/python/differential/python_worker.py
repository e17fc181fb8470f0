"""Judges cases with the published package: one JSON line in, one JSON line out. Nothing but its documented API is used."""

import asyncio
import io
import json
import math
import os
import sys
import uuid

import edictum

WORDS = {"block": "deny", "call_blocked": "call_denied", "call_would_block": "call_would_deny"}


def first(thing: object, *names: str) -> object:
    """The first attribute that is there: the two lines of the package name some of them differently."""
    for name in names:
        if hasattr(thing, name):
            return getattr(thing, name)
    raise AttributeError(names)


class Approver:
    """A person who always decides as the case says, and remembers what was asked."""

    def __init__(self) -> None:
        self.answer = "approved"
        self.asked: list[str] = []

    async def request_approval(self, tool_name, tool_args, message, **options):
        self.asked.append(message)
        return edictum.ApprovalRequest("q", tool_name, tool_args, message, options.get("timeout", 300))

    async def wait_for_decision(self, approval_id, timeout=None):
        approved = self.answer == "approved"
        return edictum.ApprovalDecision(
            approved=approved, approver="p", reason="no", status=edictum.ApprovalStatus(self.answer)
        )


def audit(event) -> dict:
    action = event.action.value
    return {
        "action": WORDS.get(action, action),
        "source": event.decision_source,
        "name": event.decision_name,
        "reason": event.reason,
        "side_effect": event.side_effect,
        "policy_error": event.policy_error,
        "metadata": [record.get("metadata") for record in event.contracts_evaluated],
    }


def contract(result) -> dict:
    effect = first(result, "effect", "action")
    return {
        "id": first(result, "contract_id", "rule_id"),
        "type": first(result, "contract_type", "rule_type"),
        "passed": result.passed,
        "message": result.message,
        "tags": result.tags,
        "observed": result.observed,
        "effect": WORDS.get(effect, effect),
        "policy_error": result.policy_error,
    }


def plain(value: object) -> object:
    """As JSON can carry it: numbers that it cannot become null, as the other side writes them."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        # JSON writes keys that are null, truths or numbers itself.
        return {
            key if key is None or isinstance(key, (str, int, float)) else str(key): plain(item)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


class Loaded:
    """A guard of one bundle: loading takes most of the time, so calls of the same bundle share it."""

    def __init__(self, bundle: str) -> None:
        self.bundle = bundle
        self.approver = Approver()
        self.sink = edictum.CollectingAuditSink()
        self.refusal = None
        try:
            self.guard = edictum.Edictum.from_yaml_string(bundle, audit_sink=self.sink, approval_backend=self.approver)
        except Exception as error:
            self.refusal = {"load": "refused", "because": str(error)}


latest: Loaded | None = None


async def judge(case: dict) -> dict:
    global latest
    call = case["call"]
    if latest is None or latest.bundle != case["bundle"]:
        latest = Loaded(case["bundle"])
    if latest.refusal is not None:
        return latest.refusal

    guard, approver, sink = latest.guard, latest.approver, latest.sink
    approver.answer = call["answer"]
    approver.asked = []
    sink.clear()

    def tool(**_):
        if call["throws"]:
            raise ValueError(call["output"])
        return call["output"]

    principal = edictum.Principal(**call["principal"]) if call["principal"] else None
    options = {"principal": principal} if principal else {}
    try:
        run = {"ended": "ran", "value": await guard.run(call["tool"], call["args"], tool, session_id=str(uuid.uuid4()), **options)}
    except edictum.EdictumDenied as denied:
        run = {
            "ended": "denied",
            "value": denied.reason,
            "source": denied.decision_source,
            "name": denied.decision_name,
        }
    except edictum.EdictumToolError as error:
        run = {"ended": "failed", "value": str(error)}
    except Exception as error:
        run = {"ended": "broke", "value": type(error).__name__}
    answer = {"load": "loaded", "run": run, "asked": approver.asked, "audit": [audit(event) for event in sink.events]}
    try:
        result = guard.evaluate(call["tool"], call["args"], output=call["output"], **options)
        verdict = first(result, "verdict", "decision")
        answer["evaluate"] = {
            "verdict": WORDS.get(verdict, verdict),
            "policy_error": result.policy_error,
            "deny": first(result, "deny_reasons", "block_reasons"),
            "warn": result.warn_reasons,
            "contracts": [contract(each) for each in first(result, "contracts", "rules")],
        }
    except Exception as error:
        answer["evaluate"] = {"broke": type(error).__name__}
    return answer


def main() -> None:
    answers = sys.stdout
    # What the package prints is no answer.
    sys.stdout = io.StringIO()
    loop = asyncio.new_event_loop()
    for line in sys.stdin:
        case = json.loads(line)
        os.environ.update(case["environment"])
        answer = loop.run_until_complete(judge(case))
        for name in case["environment"]:
            del os.environ[name]
        print(json.dumps(plain(answer), default=str), file=answers, flush=True)


main()
