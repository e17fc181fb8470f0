"""Drives one group of methods of the wire client against a server: `aegis_scenario.py GROUP`. Checks what each call brought about,
and prints the methods that were answered. A check that does not hold ends it with a traceback."""

import base64
import hashlib
import json
import os
import sys
import time
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar

import ed25519
from aegis_client import METHODS, AegisClient, HTTPStatusError

BASE = os.environ["LICTOR_URL"]
# Each of these ends a line of a text in Python, and none of them ends one of a stream.
LINES = "a\u2028b\u2029c\u0085d\u001ce"

clients = []


def connect(**options):
    client = AegisClient(BASE, **options)
    clients.append(client)
    return client


def program(**changes):
    credentials = {"client_id": os.environ["AEGIS_CLIENT_ID"], "client_secret": os.environ["AEGIS_CLIENT_SECRET"]}
    return connect(**{**credentials, **changes})


def manifest(name, tools="[]", version="1.0.0", spec=""):
    return f"""apiVersion: 100monkeys.ai/v1
kind: Agent
metadata:
  name: {name}
  version: "{version}"
  labels: {{port: 8080, type: author}}
spec:
  runtime: {{language: python, version: "3.11"}}
  task: {{instruction: "Work."}}
  tools: {tools}
{spec}"""


def refused(status, attempt, **fields):
    """What an attempt was refused with, which has this status and these fields."""
    try:
        answer = attempt()
    except HTTPStatusError as error:
        assert error.status == status, error
        body = json.loads(error.text) if error.text else {}
        assert {name: body.get(name) for name in fields} == fields, error
        return body
    raise AssertionError(f"{status} was expected, not {answer!r}")


def equal(seen, expected):
    assert seen == expected, f"{seen!r} is not {expected!r}"


def to_end(client, execution_id):
    return list(client.stream_execution(execution_id))


def until_event(client, execution_id, kind):
    for seen, event in client.stream_execution(execution_id):
        if seen == kind:
            return event
    raise AssertionError(f"no {kind}")


def health():
    client = connect()
    equal(client.health_live()["status"], "ok")
    ready = client.health_ready()
    equal(ready["status"], "ready")
    assert all(isinstance(value, str) for value in ready.values()), ready


def tokens():
    """A token for each client, and words for the one that gets none."""
    equal(program().list_agents()["count"], 0)
    equal(program(keycloak_url=BASE + "/").list_executions()["count"], 0)
    try:
        program(client_secret="wrong").list_agents()
        raise AssertionError("a wrong secret was taken")
    except RuntimeError as error:
        assert "HTTP 401 — " in str(error) and "invalid_client" in str(error), error
    body = refused(401, connect(bearer_token="forged").list_agents)
    equal(sorted(body), ["error", "message"])


def agents():
    client = program()
    deployed = client.deploy_agent(manifest("writer"))
    agent_id = deployed["id"]
    equal((deployed["agent_id"], deployed["version"]), (agent_id, "1.0.0"))
    refused(409, lambda: client.deploy_agent(manifest("writer")))
    equal(client.deploy_agent(manifest("writer"), force=True)["id"], agent_id)
    refused(422, lambda: client.deploy_agent("kind: Agent\napiVersion: 100monkeys.ai/v1\n"))
    refused(400, lambda: client.deploy_agent("a: [1"))
    shared = client.deploy_agent(manifest("shared"), scope="global")["id"]
    equal([one["name"] for one in client.list_agents()["items"]], ["shared", "writer"])
    equal([one["name"] for one in client.list_agents(visible=False)["items"]], ["writer"])
    equal(client.list_agents(limit=1, agent_type="author")["count"], 1)
    equal(client.list_agents(scope="global")["items"][0]["id"], shared)
    found = client.lookup_agent("writer")
    equal(found, client.get_agent(agent_id))
    # A number in a manifest is a text to clients.
    equal(found["labels"], {"port": "8080", "type": "author"})
    updated = client.update_agent(agent_id, {"description": "Grün", "version": "1.1.0", "labels": {"port": None}})
    equal((updated["description"], updated["version"], updated["labels"]), ("Grün", "1.1.0", {"type": "author"}))
    refused(422, lambda: client.update_agent(agent_id, {"colour": "blue"}))
    equal([one["version"] for one in client.list_agent_versions(agent_id)["versions"]], ["1.1.0", "1.0.0"])
    equal(client.list_agent_versions(agent_id, limit=1)["count"], 1)
    equal(client.update_agent_scope(agent_id, "global")["scope"], "global")
    refused(400, lambda: client.update_agent_scope(agent_id, "user"))
    equal(client.update_agent_scope(agent_id, "tenant")["scope"], "tenant")
    told = []
    execution_id = None
    for kind, event in client.stream_agent_events(agent_id):
        told.append(kind)
        if kind == "agent_scope_changed" and execution_id is None:
            execution_id = client.start_execution(agent_id, "go")["execution_id"]
        if kind == "execution_started":
            equal(event["execution_id"], execution_id)
            break
    equal(told[0], "agent_deployed")
    to_end(client, execution_id)
    equal(client.get_agent(agent_id)["execution_count"], 1)
    equal(client.delete_agent(agent_id)["status"], "deleted")
    client.delete_agent(shared)
    refused(404, lambda: client.get_agent(agent_id))
    refused(404, lambda: client.lookup_agent("writer"))
    equal(client.list_agents()["items"], [])


def executions():
    client = program()
    agent_id = client.deploy_agent(manifest("executions", "[fs.write]"))["id"]
    started = client.execute_agent(agent_id, LINES, intent="Greet")
    equal(started["status"], "pending")
    first = started["execution_id"]
    told = to_end(client, first)
    equal((told[0][0], told[-1][0], told[-1][1]["final_output"]), ("execution_started", "execution_completed", LINES))
    assert any(LINES in event["prompt"] for kind, event in told if kind == "llm_interaction"), told
    record = client.get_execution(first)
    equal((record["status"], record["input"], record["output"], record["error"]), ("completed", LINES, LINES, None))
    for path in ("out/a b.txt", "/out/a b.txt", "workspace/out/a b.txt", "/workspace/out//a b.txt"):
        equal(client.get_execution_file(first, path).decode(), "Grün\n")
    refused(404, lambda: client.get_execution_file(first, "out/none.txt"))
    refused(422, lambda: client.get_execution_file(first, "%2e%2e/%2e%2e/etc/passwd"))
    # Taken out by the client, so that another route is asked.
    refused(404, lambda: client.get_execution_file(first, "../../../nowhere"))
    attached = client.attach_to_volume("chat-attachments", b"Hello.", "n.txt", "notes/n.txt", "text/plain")
    second = client.start_execution(agent_id, "see", attachments=[attached])["execution_id"]
    to_end(client, second)
    [kept] = client.get_execution(second)["input"]["attachments"]
    equal((kept["path"], kept["size"], kept["sha256"]), ("notes/n.txt", 6, hashlib.sha256(b"Hello.").hexdigest()))
    lost = {**attached, "path": "notes/none.txt"}
    refused(422, lambda: client.start_execution(agent_id, "see", attachments=[lost]))
    refused(422, lambda: client.start_execution(agent_id, ""), error="Input is null or empty")
    refused(400, lambda: client.start_execution("not-a-uuid", "go"), error="Invalid agent ID")
    refused(404, lambda: client.start_execution("00000000-0000-4000-8000-000000000000", "go"))
    refused(409, lambda: client.execute_agent(agent_id, "go", version="9"))
    listed = client.list_executions(agent_id=agent_id, status="COMPLETED")
    equal([one["id"] for one in listed["items"]], [second, first])
    equal([one["id"] for one in client.list_executions(agent_id=agent_id, limit=1, offset=1)["items"]], [first])
    refused(404, lambda: client.list_executions(workflow_name="none"), error="Workflow 'none' not found")
    slow = client.deploy_agent(manifest("slow"))["id"]
    third = client.start_execution(slow, "go")["execution_id"]
    until_event(client, third, "instance_spawned")
    refused(409, lambda: client.delete_execution(third))
    equal(client.cancel_execution(third, "enough")["status"], "cancelled")
    equal(to_end(client, third)[-1][1]["reason"], "enough")
    equal(client.get_execution(third)["status"], "cancelled")
    equal(client.cancel_execution(third)["status"], "cancelled")
    equal(client.delete_execution(third)["status"], "deleted")
    refused(404, lambda: client.get_execution(third))
    refused(404, lambda: to_end(client, third))
    reader = client.create_api_key("reader", ["execution:stream"])["key_value"]
    equal(list(connect().stream_execution(first, reader))[-1][0], "execution_completed")
    refused(401, lambda: list(connect().stream_execution(first, "forged")))


def approvals():
    client = program()
    agent_id = client.deploy_agent(manifest("asker", "[fs.write]"))["id"]

    def ask():
        execution_id = client.start_execution(agent_id, "go")["execution_id"]
        until_event(client, execution_id, "approval_requested")
        [request] = client.list_pending_approvals()
        equal((request["execution_id"], request["prompt"], request["timeout_seconds"]), (execution_id, "Write /workspace/a.txt?", 600))
        equal(client.get_pending_approval(request["id"]), request)
        return execution_id, request["id"]

    execution_id, request_id = ask()
    refused(422, lambda: client.reject_request(request_id, None))
    equal(client.approve_request(request_id, "Go on.", "me")["status"], "approved")
    equal(to_end(client, execution_id)[-1][0], "execution_completed")
    equal(client.get_execution_file(execution_id, "a.txt"), b"x")
    equal(client.list_pending_approvals(), [])
    gone = "Request not found or already completed"
    refused(404, lambda: client.get_pending_approval(request_id), error=gone)
    refused(409, lambda: client.approve_request(request_id), error=gone)
    execution_id, request_id = ask()
    equal(client.reject_request(request_id, "Not today.")["status"], "rejected")
    told = to_end(client, execution_id)
    assert "Not today." in [event["prompt"] for kind, event in told if kind == "llm_interaction"][-1], told
    refused(404, lambda: client.get_execution_file(execution_id, "a.txt"))
    refused(400, lambda: client.get_pending_approval("x"), error="Invalid request ID")


def volumes():
    client = program()
    before = client.get_quota()
    volume = client.create_volume("data", 1_000_000)
    volume_id = volume["id"]
    assert volume in client.list_volumes(limit=1000)["volumes"]
    equal(client.rename_volume(volume_id, "andere Daten")["label"], "andere Daten")
    equal(client.get_volume(volume_id)["label"], "andere Daten")
    content = bytes(range(256)) * 40
    name = 'Übersicht "1" \u2028.bin'
    uploaded = client.upload_file(volume_id, "/deep/er/one.bin", content, name)
    equal((uploaded["name"], uploaded["size_bytes"]), (name, len(content)))
    equal(client.download_file(volume_id, "deep/er/one.bin"), content)
    attached = client.attach_to_volume(volume_id, content, name, is_piped=True)
    equal((attached["volume_id"], attached["name"], attached["size"]), (volume_id, name, len(content)))
    equal(attached["sha256"], hashlib.sha256(content).hexdigest())
    assert attached["path"].strip("/").startswith("uploads/20"), attached
    equal(client.download_file(volume_id, attached["path"]), content)
    # A file that is JSON, or an error in words, is the file.
    client.upload_file(volume_id, "deep/error.json", b'{"error":"none"}', "error.json")
    equal(client.download_file(volume_id, "deep/error.json"), b'{"error":"none"}')
    equal(client.mkdir(volume_id, "new/folder")["path"].strip("/"), "new/folder")
    moved = client.move_path(volume_id, "deep/error.json", "new/folder/x.json")
    equal((moved["from"].strip("/"), moved["to"].strip("/")), ("deep/error.json", "new/folder/x.json"))
    equal([one["name"] for one in client.list_files(volume_id, "new/folder")["files"]], ["x.json"])
    equal(sorted(one["name"] for one in client.list_files(volume_id)["files"]), ["deep", "new", "uploads"])
    used = client.get_quota()
    equal(used["used_bytes"] - before["used_bytes"], 2 * len(content) + 16)
    equal(used["volume_count"] - before["volume_count"], 1)
    equal(client.delete_path(volume_id, "new")["status"], "deleted")
    refused(404, lambda: client.download_file(volume_id, "new/folder/x.json"))
    refused(422, lambda: client.download_file(volume_id, "../x"))
    refused(422, lambda: client.upload_file(volume_id, "large", bytes(1_000_000), "large"))
    refused(404, lambda: client.download_file(volume_id, "large"))
    refused(422, lambda: client.create_volume("too large", -1))
    refused(409, lambda: client.create_volume("andere Daten"))
    equal(client.delete_volume(volume_id)["status"], "deleted")
    refused(404, lambda: client.get_volume(volume_id), error=f"volume not found: {volume_id}")
    equal(client.get_quota()["used_bytes"], before["used_bytes"])


def hexadecimal(client, execution_id):
    """What the only command of an execution wrote, which it wrote so that it is not masked."""
    [step] = client.get_execution(execution_id)["iterations"][0]["trajectory"]
    return bytes.fromhex("".join(json.loads(step["result_json"])["stdout"].split())).decode()


def deploy_shower(client, reference):
    return client.deploy_agent(manifest("shower", "[cmd.run]", spec=f'  env: {{TOKEN: "{reference}"}}\n'), force=True)["id"]


def shown_to_agent(client, agent_id):
    execution_id = client.start_execution(agent_id, "go")["execution_id"]
    end = to_end(client, execution_id)[-1][0]
    return hexadecimal(client, execution_id) if end == "execution_completed" else end


def credentials():
    client = program()
    stored = client.store_api_key_credential("github", "ghp_0123456789abcdef", {"label": "mine"})
    credential_id = stored["id"]
    equal((stored["provider"], stored["last_used"], stored["scopes"]), ("github", None, []))
    equal([one["id"] for one in client.list_credentials()["credentials"]], [credential_id])
    agent_id = deploy_shower(client, "credential:mine")
    key = client.create_api_key("other", ["agent:execute"])["key_value"]
    assert key
    equal(shown_to_agent(client, agent_id), "ghp_0123456789abcdef")
    assert client.get_credential(credential_id)["last_used"]
    rotated = client.rotate_credential(credential_id, "ghp_next")
    equal((rotated["id"], rotated["provider"]), (credential_id, "github"))
    equal(shown_to_agent(client, agent_id), "ghp_next")
    refused(422, lambda: client.rotate_credential(credential_id))
    grant = client.add_grant(credential_id, agent_id=agent_id)
    equal((grant["agent_id"], grant["workflow_name"], grant["permission_type"]), (agent_id, None, "read"))
    equal(client.list_grants(credential_id)["grants"], [grant])
    equal(client.get_credential(credential_id)["grants"][0]["id"], grant["id"])
    equal(client.revoke_grant(credential_id, grant["id"])["status"], "revoked")
    equal(client.list_grants(credential_id)["grants"], [])
    assert "ghp_" not in json.dumps([stored, rotated, client.list_credentials(), client.get_credential(credential_id)])
    equal(client.revoke_credential(credential_id)["status"], "revoked")
    equal(shown_to_agent(client, agent_id), "execution_failed")
    refused(422, lambda: client.store_api_key_credential("github", ""))
    unknown = "00000000-0000-4000-8000-000000000000"
    refused(404, lambda: client.get_credential(unknown), error="Credential binding not found")


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Browser:
    """Cookies, and redirects for as long as they stay at the provider."""

    def __init__(self):
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()), NoRedirect)

    def open(self, address, form=None):
        """The page at the end, or the parameters with which it leads away."""
        origin = urllib.parse.urlsplit(address).netloc
        body = None if form is None else urllib.parse.urlencode(form).encode()
        while True:
            try:
                with self.opener.open(address, body, timeout=60) as answer:
                    return answer.read().decode(), None
            except urllib.error.HTTPError as redirect:
                location = redirect.headers.get("Location")
                if location is None:
                    raise
                address, body = urllib.parse.urljoin(address, location), None
                if urllib.parse.urlsplit(address).netloc != origin:
                    return None, dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))


def field(page, name):
    return page.split(f'name="{name}" value="')[1].split('"')[0]


def oauth():
    client = program()
    redirect_uri = os.environ["OAUTH_REDIRECT_URI"]
    begun = client.oauth_initiate("local", redirect_uri, ["openid", "files"])
    _, answer = Browser().open(begun["auth_url"])
    equal(answer["state"], begun["state_token"])
    done = client.oauth_callback(answer["code"], answer["state"])
    equal((done["stored"], done["status"]), (True, "active"))
    equal(client.get_credential(done["credential_id"])["provider"], "local")
    token = shown_to_agent(client, deploy_shower(client, "credential:" + done["credential_id"]))
    assert is_taken(token), token
    invalid = "OAuth state invalid or expired"
    refused(400, lambda: client.oauth_callback(answer["code"], answer["state"]), error=invalid)
    listed = "OAuth redirect_uri not in provider allowlist"
    refused(400, lambda: client.oauth_initiate("local", redirect_uri + "/x"), error=listed)
    refused(404, lambda: client.oauth_initiate("none"))
    # Begun by a route that this client has no method for, and finished by one that it has.
    device = client.json("POST", "/v1/credentials/oauth/device/initiate", None, {"provider": "local"})
    browser = Browser()
    page, _ = browser.open(device["verification_uri"])
    page, _ = browser.open(device["verification_uri"], {"xsrf": field(page, "xsrf"), "user_code": device["user_code"]})
    words = {"xsrf": field(page, "xsrf"), "user_code": device["user_code"], "confirm": "yes"}
    browser.open(device["verification_uri"], words)
    answer = client.device_poll(device["device_code"], "local")
    while answer["status"] == "pending":
        time.sleep(device["interval"])
        answer = client.device_poll(device["device_code"], "local")
    equal(answer["status"], "approved")
    token = shown_to_agent(client, deploy_shower(client, "credential:" + answer["credential_id"]))
    assert is_taken(token), token


def is_taken(token):
    form = {"token": token, "client_id": os.environ["OAUTH_CLIENT_ID"], "client_secret": os.environ["OAUTH_CLIENT_SECRET"]}
    address = os.environ["OAUTH_ISSUER"] + "/token/introspection"
    with urllib.request.urlopen(address, urllib.parse.urlencode(form).encode(), timeout=60) as answer:
        return json.load(answer)["active"]


def secrets():
    client = program()
    written = client.write_secret("db/password", "correct-horse")
    equal((written["path"], written["status"]), ("db/password", "written"))
    # A slash in front makes a double one; both name the same.
    for path in ("db/password", "/db/password", "db//password", "/db//pass%77ord"):
        equal(client.get_secret(path)["value"], "correct-horse")
    client.write_secret("db/key", base64.b64encode(b"\x00\xff").decode(), "base64")
    equal(base64.b64decode(client.get_secret("db/key")["value"]), b"\x00\xff")
    equal([one["name"] for one in client.list_secrets()["secrets"]], ["db/key", "db/password"])
    equal(len(client.list_secrets("db/k")["secrets"]), 1)
    equal(shown_to_agent(client, deploy_shower(client, "secret:db/password")), "correct-horse")
    refused(422, lambda: client.write_secret("a%3Fb", "x"))
    equal(client.delete_secret("db/password")["status"], "deleted")
    refused(404, lambda: client.get_secret("db/password"), error="Secret not found", path="db/password")
    client.delete_secret("db/key")
    equal(client.list_secrets()["secrets"], [])


def api_keys():
    client = program()
    made = client.create_api_key("ci", ["agent:list", "agent:deploy"])
    holder = connect(bearer_token=made["key_value"])
    agent_id = holder.deploy_agent(manifest("by-key"))["id"]
    assert agent_id in [one["id"] for one in client.list_agents()["items"]]
    refused(403, holder.list_secrets, error="insufficient_scope", required="secret:list")
    [listed] = [one for one in client.list_api_keys()["keys"] if one["id"] == made["id"]]
    assert listed["last_used"] and made["key_value"] not in json.dumps(listed), listed
    equal(client.revoke_api_key(made["id"])["status"], "revoked")
    refused(401, holder.list_agents)
    refused(404, lambda: client.revoke_api_key(made["id"]))
    refused(400, lambda: client.create_api_key("", ["agent:list"]))
    refused(400, lambda: client.create_api_key("x", ["no:such"]))


class Hand:
    """What the SDK's SEALClient signs: keys sorted, no blanks, letters as they are, the second of the envelope's instant."""

    def __init__(self, client, **fields):
        self.client = client
        self.seed = os.urandom(32)
        key = base64.b64encode(ed25519.public_key(self.seed)).decode()
        self.session = client.attest_seal(agent_public_key=key, **fields)
        equal(self.session["status"], "success")

    def envelope(self, tool, arguments):
        call = {"jsonrpc": "2.0", "id": "req-1", "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
        now = int(time.time())
        signed = {"payload": call, "security_token": self.session["security_token"], "timestamp": now}
        text = json.dumps(signed, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
        instant = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
        signature = base64.b64encode(ed25519.sign(self.seed, text)).decode()
        sealed = {"protocol": "seal/v1", "signature": signature, "timestamp": instant, "payload": call}
        return {**sealed, "security_token": self.session["security_token"]}

    def call(self, tool, **arguments):
        return self.client.invoke_seal(self.envelope(tool, arguments))


def seal():
    client = program()
    hand = Hand(client, security_context="default", workload_id="py")
    equal(hand.call("fs.write", path="a.txt", content="Grün 1.0")["status"], "success")
    answer = hand.call("fs.read", path="a.txt")
    equal((answer["result"]["content"], answer["payload"]["result"]), ("Grün 1.0", answer["result"]))
    replayed = hand.envelope("fs.read", {"path": "a.txt", "weight": 1e16, "ratio": 1.0, "\ue000": 1, "\U0001f600": 2})
    for status in (422, 401):
        # Refused for its arguments, then as one that was seen: its signature was right in Python's own spelling of numbers.
        equal(refused(status, lambda: client.invoke_seal(replayed))["status"], "error")
    forged = {**hand.envelope("fs.read", {"path": "a.txt"}), "signature": base64.b64encode(bytes(64)).decode()}
    body = refused(401, lambda: client.invoke_seal(forged))
    assert body["status"] == "error" and body["error"]["message"], body
    denied = refused(404, lambda: hand.call("fs.nothing"))
    assert denied["status"] == "error" and denied["error"]["message"], denied
    tools = client.list_seal_tools("default")
    equal(tools["security_context"], "default")
    assert "fs.read" in [one["name"] for one in tools["tools"]] and tools["tools"][0]["input_schema"]
    equal(connect().list_seal_tools()["security_context"], None)
    body = refused(401, lambda: Hand(connect(), security_context="default"))
    equal(body["status"], "error")
    # Without a bearer, by an address that carries proof.
    asked = {"workload_id": "alone", "allowed_contexts": ["default"]}
    made = client.json("POST", "/v1/seal/workloads", None, asked)
    alone = AegisClient(BASE + urllib.parse.urlsplit(made["gateway_url"]).path)
    equal(Hand(alone, security_context="default").call("fs.list", path=".")["status"], "success")


def dispatch():
    client = program()
    spec = f"  advanced: {{bootstrap_path: {json.dumps(os.environ['IDLE_BOOTSTRAP'])}}}\n"
    agent_id = client.deploy_agent(manifest("dispatched", "[fs.write, cmd.run]", spec=spec))["id"]
    execution_id = client.start_execution(agent_id, "go")["execution_id"]
    until_event(client, execution_id, "instance_spawned")
    asked = {"execution_id": execution_id, "iteration_number": 1, "model_alias": "default", "prompt": "go"}
    generate = {"type": "generate", "agent_id": "", "messages": [], **asked}
    command = client.dispatch_gateway(generate)
    equal((command["action"], command["command"], command["args"]), ("exec", "make", ["all"]))
    equal(client.get_execution_file(execution_id, "a.txt"), b"x")
    outcome = {"exit_code": 0, "stdout": "made", "stderr": "", "duration_ms": 7, "truncated": False}
    result = {"type": "dispatch_result", "execution_id": execution_id, "dispatch_id": command["dispatch_id"], **outcome}
    said = f"Mismatched dispatch_id for execution_id: {execution_id}"
    refused(409, lambda: client.dispatch_gateway({**result, "dispatch_id": "other"}), message=said)
    final = client.dispatch_gateway(result)
    equal((final["type"], final["content"], final["tool_calls_executed"]), ("final", "Made.", 2))
    told = [one for one in final["conversation"] if one["role"] == "tool"]
    equal(json.loads(told[1]["content"])["stdout"], "made")
    equal(client.dispatch_gateway(result), final)
    refused(422, lambda: client.dispatch_gateway({"type": "generate"}))
    client.cancel_execution(execution_id)
    equal(to_end(client, execution_id)[-1][0], "execution_cancelled")
    refused(409, lambda: client.dispatch_gateway(generate))
    unknown = "00000000-0000-4000-8000-000000000000"
    said = f"Unknown or expired execution_id: {unknown}"
    refused(404, lambda: client.dispatch_gateway({**generate, "execution_id": unknown}), error=said)


GROUPS = [health, tokens, agents, executions, approvals, volumes, credentials, oauth, secrets, api_keys, seal, dispatch]

if __name__ == "__main__":
    if len(sys.argv) == 1:
        print(json.dumps({"groups": [group.__name__ for group in GROUPS], "methods": METHODS}))
    else:
        next(group for group in GROUPS if group.__name__ == sys.argv[1])()
        print(json.dumps(sorted(set().union(*(client.answered for client in clients)))))
