"""What the AEGIS SDK for Python puts on the wire, step by step, with the standard library alone: client credentials, a token in
every call, flat manifests, one `data:` line per event, every success a JSON object."""

import json
import os
import sys
import urllib.parse
import urllib.request

BASE = os.environ["LICTOR_URL"].rstrip("/")


def fetch_token() -> str:
    form = urllib.parse.urlencode(
        {
            "grant_type": "client_credentials",
            "client_id": os.environ["AEGIS_CLIENT_ID"],
            "client_secret": os.environ["AEGIS_CLIENT_SECRET"],
        }
    ).encode()
    request = urllib.request.Request(
        f"{BASE}/realms/aegis-system/protocol/openid-connect/token",
        data=form,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        body = json.load(answer)
    assert body["token_type"] == "Bearer" and body["expires_in"] > 30, body
    return body["access_token"]


TOKEN = fetch_token()


def call(method: str, path: str, body: object = None) -> dict:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{BASE}{path}", data=data, headers=headers, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def events(path: str):
    request = urllib.request.Request(f"{BASE}{path}", headers={"Authorization": f"Bearer {TOKEN}", "Accept": "text/event-stream"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        for line in answer:
            text = line.decode().strip()
            if text.startswith("data:") and text[5:].strip():
                event = json.loads(text[5:])
                assert isinstance(event, dict)
                yield event.get("type", "unknown"), event


def main() -> None:
    assert call("GET", "/health/live")["status"] == "ok"
    assert call("GET", "/health/ready")["status"] == "ready"
    deployed = call(
        "POST",
        "/v1/agents",
        {"name": "code-reviewer", "language": "python", "version": "3.12", "instruction": "You are a code reviewer.", "model": "default"},
    )
    agent_id = deployed["agent_id"]
    found = call("GET", "/v1/agents/lookup/code-reviewer")
    assert found["agent_id"] == agent_id and found["name"] == "code-reviewer" and found["tenant_id"], found
    assert [agent["agent_id"] for agent in call("GET", "/v1/agents")["agents"]].count(agent_id) == 1
    started = call("POST", "/v1/executions", {"agent_id": agent_id, "input": "Review this", "intent": "review"})
    execution_id = started["execution_id"]
    seen = []
    for kind, event in events(f"/v1/executions/{execution_id}/stream"):
        seen.append(kind)
        if kind in ("execution_completed", "execution_failed", "execution_cancelled"):
            print(json.dumps({"end": kind, "output": event.get("final_output"), "reason": event.get("reason")}))
            break
    record = call("GET", f"/v1/executions/{execution_id}")
    assert record["status"] == "completed" and record["agent_id"] == agent_id, record
    assert any(item["execution_id"] == execution_id for item in call("GET", "/v1/executions")["executions"])
    assert seen[0] == "execution_started" and "iteration_started" in seen, seen
    assert isinstance(call("DELETE", f"/v1/executions/{execution_id}"), dict)
    assert isinstance(call("DELETE", f"/v1/agents/{agent_id}"), dict)
    print(json.dumps({"seen": seen}))


if __name__ == "__main__":
    main()
    sys.exit(0)
