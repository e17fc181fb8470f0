#!/usr/bin/env python3
"""The default agent bootstrap for Python 3.8 and later, standard library only.

It carries a prompt to the orchestrator, runs the commands the orchestrator dispatches, and prints the final answer.
Usage: python bootstrap.py <prompt>   (or the prompt on standard input)
Exit codes: 0 final answer printed, 1 anything else (the reason is on standard error), 128+n stopped by signal n.
"""

import base64
import errno
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from urllib.parse import unquote, urlsplit

FALLBACK_URLS = ["http://host.docker.internal:8088", "http://host.containers.internal:8088"]
DEFAULT_CWD = "/workspace"
DEFAULT_TIMEOUT_SECS = 60
DEFAULT_MAX_OUTPUT_BYTES = 524288
DEFAULT_LLM_TIMEOUT_SECS = 300
CONNECT_TIMEOUT_SECS = 10
# How long output of a command that has ended is waited for when a background process still holds its pipes.
PIPE_GRACE_SECS = 0.5
# Waits between deliveries of a result while the orchestrator cannot be reached.
REDELIVERY_SECS = [0.5, 1.0, 2.0]
MAX_WAIT_SECS = 2147483
SOCKET_SCHEME = "http+unix://"
# What is told of an earlier attempt, and under which name.
ATTEMPT_LABELS = [
    ("output", "Output"),
    ("error", "Error"),
    ("validation_reason", "Rejected"),
    ("feedback", "Feedback"),
]


class BootstrapError(Exception):
    """A reason to give up; its message is all the caller needs to read."""


class UnreachableError(BootstrapError):
    """The orchestrator could not be reached at all, so nothing was delivered."""


def say(message):
    try:
        sys.stderr.write(message + "\n")
        sys.stderr.flush()
    except OSError:
        pass


def debug(message):
    if os.environ.get("AEGIS_BOOTSTRAP_DEBUG"):
        say("[BOOTSTRAP DEBUG] " + message)


def read_prompt():
    if len(sys.argv) > 1 and sys.argv[1].strip():
        return sys.argv[1]
    if sys.stdin is None or sys.stdin.isatty():
        raise BootstrapError("no prompt: give it as the first argument or on standard input")
    prompt = sys.stdin.buffer.read().decode("utf-8", "replace")
    if not prompt.strip():
        raise BootstrapError("the prompt is empty")
    return prompt


def await_job():
    """In an instance that was started ahead: wait on standard input for the environment and the prompt.

    What the sandbox itself set stays as it is.
    """
    text = sys.stdin.buffer.read()
    if not text:
        # Nobody needs it any more.
        leave(0)
    job = json.loads(text.decode("utf-8"))
    del os.environ["LICTOR_AWAITS_JOB"]
    for name, value in job["env"].items():
        os.environ.setdefault(name, value)
    return job["prompt"]


def require_variable(name):
    value = os.environ.get(name)
    if not value:
        raise BootstrapError("%s is not set; the orchestrator sets it when it starts an agent" % name)
    return value


def positive_integer(value, otherwise):
    try:
        number = int(value)
    except (TypeError, ValueError):
        return otherwise
    return number if number > 0 else otherwise


def as_text(value):
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def read_history():
    """What earlier attempts left, oldest first; empty where there is none or it cannot be read."""
    written = os.environ.get("AEGIS_ITERATION_HISTORY")
    if not written:
        return []
    try:
        history = json.loads(written)
    except (ValueError, RecursionError):
        history = None
    if isinstance(history, list):
        return history
    say("[BOOTSTRAP WARNING] AEGIS_ITERATION_HISTORY is not a JSON array; it is ignored")
    return []


def attempt_lines(position, entry):
    """One attempt in words: what it produced and why it was not accepted."""
    attempt = entry if isinstance(entry, dict) else {"output": entry}
    iteration = attempt.get("iteration")
    lines = ["## Iteration %s:" % (position if iteration is None else iteration)]
    for key, label in ATTEMPT_LABELS:
        if attempt.get(key) is not None:
            lines.append("%s: %s" % (label, as_text(attempt[key])))
    return lines + [""]


def with_history(prompt):
    """The prompt preceded by earlier attempts, if there were any."""
    history = read_history()
    if not history:
        return prompt
    lines = ["# Previous Attempts:", ""]
    for position, entry in enumerate(history, 1):
        lines.extend(attempt_lines(position, entry))
    return "\n".join(lines + ["# Current Attempt:", "", prompt])


def orchestrator_urls():
    own = os.environ.get("AEGIS_ORCHESTRATOR_URL")
    urls = [url.rstrip("/") for url in ([own] if own else []) + FALLBACK_URLS]
    return list(dict.fromkeys(urls))


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket, for sandboxes without a network."""

    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.socket_path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.socket_path)


class Target:
    """Where messages are posted to: a connection that is not yet open, the path, and headers."""

    def __init__(self, connection, prefix, headers):
        self.connection = connection
        self.path = prefix + "/v1/dispatch-gateway"
        self.headers = headers


def target_of(base):
    return socket_target(base) if base.startswith(SOCKET_SCHEME) else network_target(base)


def socket_target(base):
    """`http+unix://%2Frun%2Fgateway.sock/prefix` is a Unix socket."""
    path, _, prefix = base[len(SOCKET_SCHEME) :].partition("/")
    return Target(UnixConnection(unquote(path), CONNECT_TIMEOUT_SECS), "/" + prefix if prefix else "", {})


def network_target(base):
    try:
        url = urlsplit(base)
        host, port = url.hostname, url.port
    except ValueError:
        raise BootstrapError("AEGIS_ORCHESTRATOR_URL is not a URL")
    if url.scheme not in ("http", "https") or not host:
        raise BootstrapError("AEGIS_ORCHESTRATOR_URL must start with http:// or https:// and name a host")
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    return Target(kind(host, port, timeout=CONNECT_TIMEOUT_SECS), url.path, authorization(url))


def authorization(url):
    """The header for user information in an address."""
    if not url.username:
        return {}
    pair = "%s:%s" % (unquote(url.username), unquote(url.password or ""))
    return {"authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def shown(base):
    """The address without what may be secret in it: the path prefix and any user information."""
    if base.startswith("http+unix:"):
        return "the orchestrator socket"
    try:
        url = urlsplit(base)
        return "%s://%s" % (url.scheme, url.netloc.rpartition("@")[2])
    except ValueError:
        return "the orchestrator"


class Deadline:
    """Ends a connection when a whole turn took too long: the socket's own time-out counts from byte to byte."""

    def __init__(self, connection, timeout_secs):
        self.connection = connection
        self.expired = threading.Event()
        self.timer = threading.Timer(min(timeout_secs, MAX_WAIT_SECS), self.expire)
        self.timer.daemon = True

    def __enter__(self):
        self.timer.start()
        return self

    def __exit__(self, *_):
        self.timer.cancel()

    def expire(self):
        self.expired.set()
        try:
            self.connection.sock.shutdown(socket.SHUT_RDWR)
        except (OSError, AttributeError):
            pass


def connect(base, connection):
    try:
        connection.connect()
    except OSError as error:
        name = errno.errorcode.get(error.errno or 0, "") or str(error)
        raise UnreachableError("cannot reach %s: %s" % (shown(base), name))
    connection.sock.settimeout(None)


def exchange(target, body):
    """Send a body; status and text of the answer."""
    headers = dict(target.headers, **{"content-type": "application/json"})
    target.connection.request("POST", target.path, body, headers)
    response = target.connection.getresponse()
    return response.status, response.read().decode("utf-8", "replace")


def post(base, message, timeout_secs):
    """POST one message and return the reply object."""
    body = json.dumps(message).encode()
    target = target_of(base)
    connect(base, target.connection)
    try:
        with Deadline(target.connection, timeout_secs) as deadline:
            try:
                status, text = exchange(target, body)
            except (OSError, http.client.HTTPException) as error:
                if not deadline.expired.is_set():
                    raise BootstrapError("the connection to %s broke: %s" % (shown(base), error))
    finally:
        target.connection.close()
    if deadline.expired.is_set():
        raise BootstrapError("%s gave no answer within %s s" % (shown(base), timeout_secs))
    return read_reply(status, text)


def read_reply(status, text):
    if not 200 <= status <= 299:
        raise BootstrapError("the orchestrator answered HTTP %d: %s" % (status, text[:2000]))
    try:
        reply = json.loads(text)
    except (ValueError, RecursionError):
        raise BootstrapError("the orchestrator's answer is not JSON: %s" % text[:200])
    if not isinstance(reply, dict):
        raise BootstrapError("the orchestrator answered with something other than a JSON object")
    return reply


class Tail:
    """Keeps the end of a stream: everything while it is short, its last `limit` bytes when it is long."""

    def __init__(self, limit):
        self.limit = limit
        self.chunks = deque()
        self.kept = 0
        self.total = 0
        self.lock = threading.Lock()

    def push(self, chunk):
        with self.lock:
            self.total += len(chunk)
            if self.limit == 0:
                return
            self.chunks.append(chunk)
            self.kept += len(chunk)
            while self.kept - len(self.chunks[0]) >= self.limit:
                self.kept -= len(self.chunks.popleft())

    def text(self, limit):
        """The last `limit` bytes as text, starting at a whole character."""
        with self.lock:
            everything = b"".join(self.chunks)
        text = tail_from(everything, limit).decode("utf-8", "replace")
        # Bytes that are no UTF-8 grow when they are replaced, so that the text can be longer than they were.
        encoded = text.encode("utf-8")
        return text if len(encoded) <= limit else tail_from(encoded, limit).decode("utf-8", "replace")


def tail_from(data, limit):
    if len(data) <= limit:
        return data
    start = len(data) - limit
    latest = min(start + 3, len(data))
    while start < latest and data[start] & 0xC0 == 0x80:
        start += 1
    return data[start:]


# Running commands, ended with the bootstrap itself.
running = set()


class Start:
    """Whether a command is being started, and the signal that came meanwhile: it is heeded once the command is known."""

    under_way = False
    signal = None


def kill_group(process):
    try:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except ProcessLookupError:
        pass
    except OSError as error:
        debug("could not stop process group %d: %s" % (process.pid, error))


def refusal(stderr):
    return {"exit_code": -1, "stdout": "", "stderr": stderr, "truncated": False}


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def open_folder(path):
    """Open a folder of which no part of the path may be a link. Raises OSError, ELOOP or ENOTDIR for a link."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    folder = os.open("/", flags)
    for component in path.split("/"):
        if component:
            above = folder
            try:
                folder = os.open(component, flags, dir_fd=above)
            finally:
                os.close(above)
    return folder


class Command:
    """What a dispatch asks to be run, with the defaults of what it leaves out."""

    def __init__(self, dispatch):
        command, args = dispatch["command"], dispatch.get("args")
        words = [command] + [as_text(arg) for arg in (args if isinstance(args, list) else [])]
        self.shell = dispatch.get("shell") is not False
        self.line = " ".join(words) if self.shell else words
        self.cwd = working_folder(dispatch)
        self.env = environment_with(dispatch.get("env_additions"))
        timeout_secs = dispatch.get("timeout_secs")
        self.timeout_secs = timeout_secs if is_number(timeout_secs) and timeout_secs > 0 else DEFAULT_TIMEOUT_SECS
        limit = dispatch.get("max_output_bytes")
        self.limit = int(limit) if is_number(limit) and limit >= 0 else DEFAULT_MAX_OUTPUT_BYTES
        self.follow_links = dispatch.get("follow_links") is not False


def working_folder(dispatch):
    cwd = dispatch.get("cwd")
    return cwd if isinstance(cwd, str) and cwd else DEFAULT_CWD


def environment_with(additions):
    env = dict(os.environ)
    if isinstance(additions, dict):
        env.update((name, as_text(value)) for name, value in additions.items())
    return env


def problem_with(dispatch):
    """Why a dispatch cannot be carried out here; None where it can."""
    action, command = dispatch.get("action"), dispatch.get("command")
    if action != "exec":
        return "unknown_action:%s" % (action,)
    if not isinstance(command, str) or not command.strip():
        return "[AEGIS] The dispatch names no command"
    if not os.path.isdir(working_folder(dispatch)):
        return "[AEGIS] Working directory does not exist: %s" % working_folder(dispatch)
    return None


def execute(dispatch):
    """Run one dispatched command and describe what it did. Never raises."""
    problem = problem_with(dispatch)
    if problem is not None:
        return refusal(problem)
    command = Command(dispatch)
    try:
        return run(command, command.cwd) if command.follow_links else run_unlinked(command)
    except (OSError, ValueError) as error:
        return refusal("[AEGIS] Command could not be started: %s" % error)


def run_unlinked(command):
    """Run in a folder that stays the one that was opened, whatever is renamed meanwhile."""
    refused = refusal("[AEGIS] Working directory is reached through a link: %s" % command.cwd)
    if not sys.platform.startswith("linux"):
        return run(command, command.cwd) if os.path.realpath(command.cwd) == command.cwd else refused
    try:
        folder = open_folder(command.cwd)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            return refused
        raise
    try:
        return run(command, "/proc/self/fd/%d" % folder)
    finally:
        os.close(folder)


def drain(stream, tail, finished):
    """Read to the end of the pipe, even after nobody wants the output: a full pipe would block the process."""
    try:
        while True:
            chunk = os.read(stream.fileno(), 65536)
            if not chunk:
                return
            if not finished.is_set():
                tail.push(chunk)
    except (OSError, ValueError):
        return


def start(command, cwd):
    Start.under_way = True
    try:
        process = subprocess.Popen(
            command.line,
            shell=command.shell,
            cwd=cwd,
            env=command.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        running.add(process)
        return process
    finally:
        Start.under_way = False
        if Start.signal is not None:
            stop(Start.signal, None)


class Output:
    """Reads both streams of a process, and keeps their ends."""

    def __init__(self, process, limit):
        self.finished = threading.Event()
        self.stdout, self.stderr = Tail(limit), Tail(limit)
        self.readers = [
            threading.Thread(target=drain, args=(stream, tail, self.finished), daemon=True)
            for stream, tail in ((process.stdout, self.stdout), (process.stderr, self.stderr))
        ]
        for reader in self.readers:
            reader.start()

    def finish(self):
        """What comes later, of a background process that holds the pipes, is not wanted any more."""
        grace = time.monotonic() + PIPE_GRACE_SECS
        for reader in self.readers:
            reader.join(max(0, grace - time.monotonic()))
        self.finished.set()


def ended_in_time(process, timeout_secs):
    """Wait for a process, and end it with everything it started when it takes too long."""
    try:
        process.wait(min(timeout_secs, MAX_WAIT_SECS))
        return True
    except subprocess.TimeoutExpired:
        kill_group(process)
        process.wait()
        return False


def run(command, cwd):
    process = start(command, cwd)
    output = Output(process, command.limit)
    in_time = ended_in_time(process, command.timeout_secs)
    running.discard(process)
    output.finish()
    result = report(process.returncode, output, command.limit)
    return result if in_time else timed_out(result, command.timeout_secs)


def report(returncode, output, limit):
    truncated = output.stdout.total + output.stderr.total > limit
    each = limit // 2 if truncated else limit
    return {
        # As shells do: a process ended by a signal has exit code 128 plus its number.
        "exit_code": 128 - returncode if returncode < 0 else returncode,
        "stdout": output.stdout.text(each),
        "stderr": output.stderr.text(each),
        "truncated": truncated,
    }


def timed_out(result, timeout_secs):
    separator = "" if not result["stderr"] or result["stderr"].endswith("\n") else "\n"
    notice = "[AEGIS] Command timed out after %ss" % timeout_secs
    return dict(result, exit_code=-1, stderr=result["stderr"] + separator + notice)


def start_forwarders():
    """Offer what is behind Unix sockets at ports of the loopback, the proxy where HTTP_PROXY says.

    For sandboxes without a network of their own. They end with this process.
    """
    for pair in filter(None, os.environ.get("LICTOR_FORWARD", "").split(",")):
        port, _, path = pair.partition("=")
        start_forwarder(int(port), path)


def forward_alone(ready):
    """Beside a program of the agent's own, which is told by a file that the network can be used. Never returns."""
    with open(ready, "w"):
        pass
    while True:
        time.sleep(MAX_WAIT_SECS)


def start_forwarder(port, path):
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
    except OSError as error:
        raise BootstrapError("the network cannot be offered: %s" % error)
    threading.Thread(target=accept_forever, args=(listener, path), daemon=True).start()


def accept_forever(listener, path):
    while True:
        try:
            client, _ = listener.accept()
        except OSError as error:
            debug("the forwarder paused: %s" % error)
            time.sleep(0.1)
            continue
        proxy = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            proxy.connect(path)
            for source, target in ((client, proxy), (proxy, client)):
                threading.Thread(target=forward, args=(source, target), daemon=True).start()
        except (OSError, RuntimeError) as error:
            debug("a connection could not be forwarded: %s" % error)
            client.close()
            proxy.close()


def forward(source, target):
    """Copy one direction of a connection to its end. Whichever direction breaks ends both."""
    try:
        while True:
            chunk = source.recv(65536)
            if not chunk:
                target.shutdown(socket.SHUT_WR)
                return
            target.sendall(chunk)
    except OSError:
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def generate(urls, message, timeout_secs):
    failures = []
    for url in urls:
        try:
            debug("generate to " + shown(url))
            return url, post(url, message, timeout_secs)
        except UnreachableError as error:
            failures.append(str(error))
    raise BootstrapError("; ".join(failures))


def deliver(url, message, timeout_secs):
    """Delivered again only while the orchestrator is unreachable: what may have arrived is never sent twice."""
    for wait in REDELIVERY_SECS:
        try:
            return post(url, message, timeout_secs)
        except UnreachableError as error:
            debug("%s; again in %s s" % (error, wait))
            time.sleep(wait)
    return post(url, message, timeout_secs)


def offer_network():
    """Where the sandbox says so. Beside a program of the agent's own this process does nothing else."""
    start_forwarders()
    if os.environ.get("LICTOR_FORWARD_READY"):
        forward_alone(os.environ["LICTOR_FORWARD_READY"])


def first_message(prompt):
    model_alias = require_variable("AEGIS_MODEL_ALIAS")
    execution_id = require_variable("AEGIS_EXECUTION_ID")
    return {
        "type": "generate",
        "agent_id": os.environ.get("AEGIS_AGENT_ID", ""),
        "execution_id": execution_id,
        "iteration_number": positive_integer(os.environ.get("AEGIS_ITERATION"), 1),
        "model_alias": model_alias,
        "prompt": with_history(prompt),
        "messages": [],
    }


def carry_out(dispatch, execution_id):
    """Run what was dispatched; the message that tells what it did."""
    dispatch_id = dispatch.get("dispatch_id")
    if not isinstance(dispatch_id, str):
        raise BootstrapError("the orchestrator sent a dispatch without id")
    started = time.monotonic()
    result = execute(dispatch)
    duration = int((time.monotonic() - started) * 1000)
    debug("dispatch %s: exit %d after %d ms" % (dispatch_id, result["exit_code"], duration))
    message = {"type": "dispatch_result", "execution_id": execution_id, "dispatch_id": dispatch_id}
    return dict(message, duration_ms=duration, **result)


def final_text(reply):
    content = reply.get("content")
    if not isinstance(content, str):
        raise BootstrapError("the orchestrator answered with neither a command nor a final text")
    return content


def converse(message, timeout_secs):
    """From the first message to the final text."""
    url, reply = generate(orchestrator_urls(), message, timeout_secs)
    while reply.get("type") == "dispatch":
        reply = deliver(url, carry_out(reply, message["execution_id"]), timeout_secs)
    return final_text(reply)


def stop(number, _frame):
    if Start.under_way:
        Start.signal = number
        return
    for process in list(running):
        kill_group(process)
    os._exit(128 + number)


def leave(code):
    """Background processes of commands may still hold pipes and their reader threads, so the exit is immediate."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def heed_signals():
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), stop)


def main():
    heed_signals()
    try:
        offer_network()
        prompt = await_job() if os.environ.get("LICTOR_AWAITS_JOB") else read_prompt()
        timeout_secs = positive_integer(os.environ.get("AEGIS_LLM_TIMEOUT_SECONDS"), DEFAULT_LLM_TIMEOUT_SECS)
        answer = converse(first_message(prompt), timeout_secs)
        sys.stdout.buffer.write((answer + "\n").encode("utf-8", "replace"))
        leave(0)
    except BootstrapError as failure:
        say("[BOOTSTRAP ERROR] %s" % failure)
        leave(1)


if __name__ == "__main__":
    main()
