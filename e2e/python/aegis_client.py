"""What the AEGIS SDK for Python puts on the wire and how it reads what comes back, with the standard library alone.

Paths, query names, bodies and headers are those of the published client, and so are its habits: it asks for a token before the
first call, puts values into paths as they are, takes a `..` out before it sends, drops what is None, raises for every status
from 300 on, expects a JSON body in every success, refuses bodies whose fields have another type than it declares, and reads a
stream line by line, where Unicode knows more ends of a line than the protocol does.
"""

import functools
import gzip
import http.client
import inspect
import json
import time
import uuid
from urllib.parse import quote, urlencode, urlsplit

TIMEOUT_SECS = 60
# Left as they are in a path; everything else is percent-encoded. A `%` is one that the caller wrote.
SAFE_IN_PATHS = "/%:@!$&'()*+,;=~-._"

# Fields that the client declares, with their types: `?` may be absent or null, `[]` is a list.
EXECUTION = {"id": "str", "agent_id": "str?", "workflow_name": "str?", "status": "str", "started_at": "str", "ended_at": "str?", "summary": "str?"}
AGENT = {
    "id": "str", "name": "str", "version": "str", "description": "str?", "scope": "str", "status": "str", "agent_type": "str?",
    "capability_tags": "str[]?", "execution_count": "int?", "created_at": "str", "updated_at": "str?",
}  # fmt: skip
AGENT_DETAIL = {**AGENT, "labels": "map?", "annotations": "map?"}
AGENT_VERSION = {"id": "str", "agent_id": "str", "version": "str", "deployed_at": "str"}
APPROVAL = {"id": "str", "execution_id": "str", "prompt": "str", "created_at": "str", "timeout_seconds": "int"}
VOLUME = {"id": "str", "label": "str", "size_limit_bytes": "int", "used_bytes": "int", "created_at": "str"}
QUOTA = {"quota_bytes": "int", "used_bytes": "int", "volume_count": "int", "volume_limit": "int"}
UPLOADED = {"name": "str", "size_bytes": "int", "uploaded_at": "str"}
ATTACHMENT = {"volume_id": "str", "path": "str", "name": "str", "mime_type": "str", "size": "int", "sha256": "str?"}
CREDENTIAL = {"id": "str", "provider": "str", "created_at": "str", "last_used": "str?", "scopes": "str[]?"}
GRANT = {"id": "str", "credential_id": "str", "agent_id": "str?", "workflow_name": "str?", "permission_type": "str", "created_at": "str"}
SECRET = {"name": "str", "last_modified": "str?", "size_bytes": "int?"}
API_KEY = {"id": "str", "name": "str", "created_at": "str", "expires_at": "str?", "last_used": "str?"}


class HTTPStatusError(Exception):
    """An answer that is no success; its body is read where there was no stream to open."""

    def __init__(self, method, path, status, text):
        super().__init__("%s %s answered %d: %s" % (method, path, status, text))
        self.status = status
        self.text = text

    def json(self):
        return json.loads(self.text)


class ValidationError(Exception):
    """A success whose body is not what the client declares."""


def fits(value, kind):
    if kind.endswith("?"):
        return value is None or fits(value, kind[:-1])
    if kind.endswith("[]"):
        return isinstance(value, list) and all(fits(one, kind[:-2]) for one in value)
    if kind == "int":
        return not isinstance(value, bool) and (isinstance(value, int) or isinstance(value, float) and value.is_integer())
    if kind == "map":
        return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())
    return isinstance(value, {"str": str, "dict": dict}[kind])


def read(fields, value):
    """A body as one of the client's models: each declared field of its type, any other kept."""
    if not isinstance(value, dict):
        raise ValidationError("an object was expected, not %r" % (value,))
    for name, kind in fields.items():
        if not fits(value.get(name), kind):
            raise ValidationError("%s: %s was expected, not %r" % (name, kind, value.get(name)))
    return value


def read_list(key, fields, value, **others):
    read({key: "dict[]", **others}, value)
    for one in value[key]:
        read(fields, one)
    return value


def given(**fields):
    """Without what is None."""
    return {name: value for name, value in fields.items() if value is not None}


def as_word(value):
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def target_of(path, query):
    """As the client's HTTP library writes it: dot segments taken out, blanks and other letters encoded."""
    segments = []
    for segment in path.split("/")[1:]:
        if segment == ".." and segments:
            segments.pop()
        elif segment not in (".", ".."):
            segments.append(segment)
    target = quote("/" + "/".join(segments), safe=SAFE_IN_PATHS)
    written = urlencode([(name, as_word(value)) for name, value in (query or {}).items() if value is not None])
    return target + "?" + written if written else target


def form_of(parts):
    """A multipart body; names of files are raw UTF-8, but for the quotation mark."""
    boundary = uuid.uuid4().hex
    body = b""
    for name, content, filename, kind in parts:
        disposition = 'form-data; name="%s"' % name
        if filename is not None:
            disposition += '; filename="%s"' % filename.replace('"', "%22")
        head = "--%s\r\nContent-Disposition: %s\r\n" % (boundary, disposition)
        if kind is not None:
            head += "Content-Type: %s\r\n" % kind
        body += head.encode("utf-8") + b"\r\n" + content + b"\r\n"
    return body + ("--%s--\r\n" % boundary).encode(), "multipart/form-data; boundary=" + boundary


def in_pieces(body):
    for start in range(0, len(body), 7):
        yield body[start : start + 7]


def counted(method):
    """Notes a method of the client that came to a good end."""

    if inspect.isgeneratorfunction(method):

        @functools.wraps(method)
        def followed(self, *args, **kwargs):
            for event in method(self, *args, **kwargs):
                self.answered.add(method.__name__)
                yield event

        return followed

    @functools.wraps(method)
    def called(self, *args, **kwargs):
        result = method(self, *args, **kwargs)
        self.answered.add(method.__name__)
        return result

    return called


class Transport:
    """Requests, tokens, errors."""

    def __init__(self, base_url, keycloak_url="", realm="aegis-system", client_id="", client_secret="", bearer_token=None, token_refresh_buffer_secs=30):
        self.base_url = base_url.rstrip("/")
        self.keycloak_url = keycloak_url.rstrip("/") or self.base_url
        self.realm, self.client_id, self.client_secret = realm, client_id, client_secret
        self.token, self.stale_at = bearer_token, float("inf") if bearer_token else 0
        self.buffer_secs = token_refresh_buffer_secs
        self.answered = set()

    def ensure_token(self):
        if not self.client_id or time.time() < self.stale_at:
            return
        path = "/realms/%s/protocol/openid-connect/token" % self.realm
        fields = {"grant_type": "client_credentials", "client_id": self.client_id, "client_secret": self.client_secret}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        response, connection = self.send(self.keycloak_url, "POST", path, urlencode(fields).encode(), headers)
        text = response.read().decode("utf-8")
        connection.close()
        if response.status != 200:
            url = self.keycloak_url + path
            raise RuntimeError("Failed to fetch access token from %s: HTTP %d — %s" % (url, response.status, text))
        answer = read({"access_token": "str", "expires_in": "int?"}, json.loads(text))
        self.token = answer["access_token"]
        self.stale_at = time.time() + (answer.get("expires_in") or 300) - self.buffer_secs

    def send(self, base, method, target, body, headers):
        url = urlsplit(base)
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=TIMEOUT_SECS)
        usual = {"Accept": "*/*", "User-Agent": "python-httpx/0.28.1"}
        if body is None and method in ("POST", "PUT", "PATCH"):
            usual["Content-Length"] = "0"
        connection.request(method, url.path + target, body, {**usual, **headers}, encode_chunked=inspect.isgenerator(body))
        return connection.getresponse(), connection

    def open(self, method, path, query=None, body=None, headers=None):
        self.ensure_token()
        sent = dict(headers or {})
        if self.token:
            sent["Authorization"] = "Bearer " + self.token
        return self.send(self.base_url, method, target_of(path, query), body, sent)

    def bytes(self, method, path, query=None, body=None, headers=None):
        sent = {"Accept-Encoding": "gzip", **(headers or {})}
        response, connection = self.open(method, path, query, body, sent)
        content = response.read()
        connection.close()
        if response.getheader("Content-Encoding") == "gzip":
            content = gzip.decompress(content)
        if response.status >= 300:
            raise HTTPStatusError(method, path, response.status, content.decode("utf-8", "replace"))
        return content

    def json(self, method, path, query=None, json_body=None, headers=None):
        body, sent = None, dict(headers or {})
        if json_body is not None:
            body = json.dumps(json_body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")
            sent["Content-Type"] = "application/json"
        return json.loads(self.bytes(method, path, query, body, sent))

    def events(self, path, query=None):
        """Each event as (type, data). An error is raised by its status alone: its body is not read."""
        response, connection = self.open("GET", path, query)
        if response.status >= 300:
            connection.close()
            raise HTTPStatusError("GET", path, response.status, "")
        assert response.getheader("Content-Type").startswith("text/event-stream"), response.getheader("Content-Type")
        for line in lines_of(response):
            if not line.startswith("data:"):
                continue
            text = line[5:].strip()
            if text:
                event = json.loads(text)
                yield event.get("type", "unknown"), event
        connection.close()


def lines_of(response):
    """The lines of a stream as text knows them: U+2028, U+2029 and U+0085 end one as well."""
    for raw in response:
        for line in raw.decode("utf-8").splitlines():
            yield line


class AegisClient(Transport):
    # Agents

    @counted
    def deploy_agent(self, manifest_yaml, force=False, scope=None):
        query = given(force=force or None, scope=scope)
        answer = self.bytes("POST", "/v1/agents", query, manifest_yaml.encode("utf-8"), {"Content-Type": "text/yaml"})
        return read({"id": "str", "agent_id": "str", "version": "str", "deployed_at": "str"}, json.loads(answer))

    @counted
    def list_agents(self, scope=None, limit=None, agent_type=None, visible=None):
        query = given(scope=scope, limit=limit, agent_type=agent_type, visible=visible)
        return read_list("items", AGENT, self.json("GET", "/v1/agents", query), count="int")

    @counted
    def get_agent(self, agent_id):
        return read(AGENT_DETAIL, self.json("GET", f"/v1/agents/{agent_id}"))

    @counted
    def lookup_agent(self, name):
        return read(AGENT_DETAIL, self.json("GET", f"/v1/agents/lookup/{name}"))

    @counted
    def update_agent(self, agent_id, payload):
        return read(AGENT_DETAIL, self.json("PATCH", f"/v1/agents/{agent_id}", None, payload))

    @counted
    def delete_agent(self, agent_id):
        return read({"status": "str"}, self.json("DELETE", f"/v1/agents/{agent_id}"))

    @counted
    def list_agent_versions(self, agent_id, limit=None):
        answer = self.json("GET", f"/v1/agents/{agent_id}/versions", given(limit=limit))
        return read_list("versions", AGENT_VERSION, answer, count="int")

    @counted
    def update_agent_scope(self, agent_id, scope):
        return read(AGENT_DETAIL, self.json("PATCH", f"/v1/agents/{agent_id}/scope", None, {"scope": scope}))

    @counted
    def stream_agent_events(self, agent_id):
        yield from self.events(f"/v1/agents/{agent_id}/events")

    # Executions

    @counted
    def execute_agent(self, agent_id, input, intent=None, context_overrides=None, attachments=None, version=None):
        body = given(input=input, intent=intent, context_overrides=context_overrides, attachments=attachments or None)
        answer = self.json("POST", f"/v1/agents/{agent_id}/execute", given(version=version), body)
        return read({"execution_id": "str", "status": "str"}, answer)

    @counted
    def start_execution(self, agent_id, input, intent=None, context_overrides=None, attachments=None):
        fields = {"agent_id": agent_id, "input": input, "intent": intent, "context_overrides": context_overrides}
        answer = self.json("POST", "/v1/executions", None, given(attachments=attachments or None, **fields))
        return read({"execution_id": "str"}, answer)

    @counted
    def stream_execution(self, execution_id, token=None):
        yield from self.events(f"/v1/executions/{execution_id}/stream", given(token=token))

    @counted
    def get_execution(self, execution_id):
        return read(EXECUTION, self.json("GET", f"/v1/executions/{execution_id}"))

    @counted
    def list_executions(self, agent_id=None, workflow_name=None, limit=None, offset=None, status=None):
        query = given(agent_id=agent_id, workflow_name=workflow_name, limit=limit, offset=offset, status=status)
        return read_list("items", EXECUTION, self.json("GET", "/v1/executions", query), count="int")

    @counted
    def cancel_execution(self, execution_id, reason=None):
        answer = self.json("POST", f"/v1/executions/{execution_id}/cancel", None, given(reason=reason))
        return read({"status": "str"}, answer)

    @counted
    def delete_execution(self, execution_id):
        return read({"status": "str"}, self.json("DELETE", f"/v1/executions/{execution_id}"))

    @counted
    def get_execution_file(self, execution_id, path):
        return self.bytes("GET", f"/v1/executions/{execution_id}/files/{path}")

    # Approvals

    @counted
    def list_pending_approvals(self):
        answer = self.json("GET", "/v1/human-approvals")
        return [read(APPROVAL, one) for one in answer.get("pending_requests", [])]

    @counted
    def get_pending_approval(self, approval_id):
        return read(APPROVAL, self.json("GET", f"/v1/human-approvals/{approval_id}").get("request", {}))

    @counted
    def approve_request(self, approval_id, feedback=None, approved_by=None):
        body = given(feedback=feedback, approved_by=approved_by)
        return read({"status": "str"}, self.json("POST", f"/v1/human-approvals/{approval_id}/approve", None, body))

    @counted
    def reject_request(self, approval_id, reason, rejected_by=None):
        body = given(reason=reason, rejected_by=rejected_by)
        return read({"status": "str"}, self.json("POST", f"/v1/human-approvals/{approval_id}/reject", None, body))

    # SEAL

    @counted
    def attest_seal(self, **fields):
        answer = self.json("POST", "/v1/seal/attest", None, given(**fields))
        return read({"status": "str", "security_token": "str", "expires_at": "str", "session_id": "str?"}, answer)

    @counted
    def invoke_seal(self, envelope):
        return self.json("POST", "/v1/seal/invoke", None, envelope)

    @counted
    def list_seal_tools(self, security_context=None):
        headers = given(**{"X-Zaru-Security-Context": security_context})
        answer = self.json("GET", "/v1/seal/tools", given(security_context=security_context), None, headers)
        words = {"protocol": "str", "attestation_endpoint": "str", "invoke_endpoint": "str", "security_context": "str?"}
        return read({**words, "tools": "dict[]"}, answer)

    # Dispatch

    @counted
    def dispatch_gateway(self, payload):
        answer = self.json("POST", "/v1/dispatch-gateway", None, payload)
        if answer["type"] == "final":
            return read({"content": "str", "tool_calls_executed": "int", "conversation": "dict[]"}, answer)
        if answer["type"] == "dispatch":
            words = {"dispatch_id": "str", "action": "str", "command": "str?", "args": "str[]", "cwd": "str"}
            return read({**words, "env_additions": "map", "timeout_secs": "int", "max_output_bytes": "int"}, answer)
        raise ValidationError("neither final nor dispatch: %r" % (answer,))

    # Volumes

    @counted
    def create_volume(self, label, size_limit_bytes=None):
        body = given(label=label, size_limit_bytes=size_limit_bytes)
        return read(VOLUME, self.json("POST", "/v1/volumes", None, body))

    @counted
    def list_volumes(self, limit=None):
        answer = self.json("GET", "/v1/volumes", given(limit=limit))
        return read_list("volumes", VOLUME, answer, total_count="int", total_quota_bytes="int?")

    @counted
    def get_volume(self, volume_id):
        return read(VOLUME, self.json("GET", f"/v1/volumes/{volume_id}"))

    @counted
    def rename_volume(self, volume_id, label):
        return read(VOLUME, self.json("PATCH", f"/v1/volumes/{volume_id}", None, {"label": label}))

    @counted
    def delete_volume(self, volume_id):
        return read({"status": "str"}, self.json("DELETE", f"/v1/volumes/{volume_id}"))

    @counted
    def get_quota(self):
        return read(QUOTA, self.json("GET", "/v1/volumes/quota"))

    @counted
    def list_files(self, volume_id, path="/"):
        return read({"files": "dict[]"}, self.json("GET", f"/v1/volumes/{volume_id}/files", {"path": path}))

    @counted
    def download_file(self, volume_id, path):
        return self.bytes("GET", f"/v1/volumes/{volume_id}/files/download", {"path": path})

    @counted
    def upload_file(self, volume_id, path, content, filename):
        return read(UPLOADED, self.upload(volume_id, path, content, filename, None, False))

    @counted
    def attach_to_volume(self, volume_id, content, filename, path=None, mime_type="application/octet-stream", is_piped=False):
        answer = self.upload(volume_id, path, content, filename, mime_type, is_piped)
        read({"path": "str", "name": "str", "mime_type": "str", "sha256": "str?"}, answer)
        size = answer.get("size_bytes", answer.get("size"))
        names = {name: answer[name] for name in ("path", "name", "mime_type", "sha256")}
        return read(ATTACHMENT, {"volume_id": volume_id, "size": size, **names})

    def upload(self, volume_id, path, content, filename, mime_type, is_piped):
        parts = [] if path is None else [("path", path.encode("utf-8"), None, None)]
        body, kind = form_of(parts + [("file", content, filename, mime_type or "application/octet-stream")])
        headers = {"Content-Type": kind}
        if is_piped:
            headers["Transfer-Encoding"] = "chunked"
        sent = in_pieces(body) if is_piped else body
        return json.loads(self.bytes("POST", f"/v1/volumes/{volume_id}/files/upload", None, sent, headers))

    @counted
    def mkdir(self, volume_id, path):
        return read({"path": "str"}, self.json("POST", f"/v1/volumes/{volume_id}/files/mkdir", None, {"path": path}))

    @counted
    def move_path(self, volume_id, source, destination):
        body = {"from": source, "to": destination}
        return read({"from": "str", "to": "str"}, self.json("POST", f"/v1/volumes/{volume_id}/files/move", None, body))

    @counted
    def delete_path(self, volume_id, path):
        return read({"status": "str"}, self.json("DELETE", f"/v1/volumes/{volume_id}/files", {"path": path}))

    # Credentials

    @counted
    def list_credentials(self):
        return read_list("credentials", CREDENTIAL, self.json("GET", "/v1/credentials"))

    @counted
    def get_credential(self, credential_id):
        return read(CREDENTIAL, self.json("GET", f"/v1/credentials/{credential_id}"))

    @counted
    def store_api_key_credential(self, provider, api_key, metadata=None):
        body = given(provider=provider, api_key=api_key, metadata=metadata)
        return read(CREDENTIAL, self.json("POST", "/v1/credentials/api-key", None, body))

    @counted
    def revoke_credential(self, credential_id):
        return read({"status": "str"}, self.json("DELETE", f"/v1/credentials/{credential_id}"))

    @counted
    def rotate_credential(self, credential_id, new_value=None, provider_params=None):
        body = given(new_value=new_value, provider_params=provider_params)
        return read(CREDENTIAL, self.json("POST", f"/v1/credentials/{credential_id}/rotate", None, body))

    @counted
    def oauth_initiate(self, provider, redirect_uri=None, scopes=None):
        body = given(provider=provider, redirect_uri=redirect_uri, scopes=scopes)
        answer = self.json("POST", "/v1/credentials/oauth/initiate", None, body)
        return read({"auth_url": "str", "state_token": "str", "expires_at": "str"}, answer)

    @counted
    def oauth_callback(self, code, state):
        return self.json("POST", "/v1/credentials/oauth/callback", None, {"code": code, "state": state})

    @counted
    def device_poll(self, device_code, provider):
        body = {"device_code": device_code, "provider": provider}
        answer = self.json("POST", "/v1/credentials/device/poll", None, body)
        return read({"status": "str", "credential_id": "str?"}, answer)

    @counted
    def list_grants(self, credential_id):
        return read_list("grants", GRANT, self.json("GET", f"/v1/credentials/{credential_id}/grants"))

    @counted
    def add_grant(self, credential_id, agent_id=None, workflow_name=None, permission_type="read"):
        body = given(agent_id=agent_id, workflow_name=workflow_name, permission_type=permission_type)
        return read(GRANT, self.json("POST", f"/v1/credentials/{credential_id}/grants", None, body))

    @counted
    def revoke_grant(self, credential_id, grant_id):
        return read({"status": "str"}, self.json("DELETE", f"/v1/credentials/{credential_id}/grants/{grant_id}"))

    # Secrets

    @counted
    def list_secrets(self, path_prefix=None):
        return read_list("secrets", SECRET, self.json("GET", "/v1/secrets", given(path_prefix=path_prefix)))

    @counted
    def get_secret(self, path):
        return read({"value": "str"}, self.json("GET", f"/v1/secrets/{path}"))

    @counted
    def write_secret(self, path, value, encoding=None):
        return self.json("PUT", f"/v1/secrets/{path}", None, given(value=value, encoding=encoding))

    @counted
    def delete_secret(self, path):
        return read({"status": "str"}, self.json("DELETE", f"/v1/secrets/{path}"))

    # API keys

    @counted
    def list_api_keys(self):
        return read_list("keys", API_KEY, self.json("GET", "/v1/api-keys"))

    @counted
    def create_api_key(self, name, scopes, expires_at=None):
        body = given(name=name, scopes=scopes, expires_at=expires_at)
        return read({**API_KEY, "key_value": "str"}, self.json("POST", "/v1/api-keys", None, body))

    @counted
    def revoke_api_key(self, key_id):
        return read({"status": "str"}, self.json("DELETE", f"/v1/api-keys/{key_id}"))

    # Health

    @counted
    def health_live(self):
        return read({"status": "str"}, self.json("GET", "/health/live"))

    @counted
    def health_ready(self):
        return read({"status": "str"}, self.json("GET", "/health/ready"))


METHODS = sorted(name for name, member in vars(AegisClient).items() if hasattr(member, "__wrapped__"))
