"""
Writes vectors.json: envelopes and tokens as Python's json module and the cryptography package make them, so that what the
package is tested with is not made by the package. Needs `pip install cryptography`.

    python3 test/vectors.py > test/vectors.json
"""
import base64, json
from datetime import datetime, timedelta, timezone
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

NOW = 1800000000
SEED, OTHER, ISSUER = bytes(range(32)), bytes(range(32, 64)), bytes([9] * 32)
signer, other, issuer = (Ed25519PrivateKey.from_private_bytes(s) for s in (SEED, OTHER, ISSUER))
raw = lambda key: key.public_key().public_bytes_raw()
pem = lambda key: key.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
b64 = lambda data: base64.b64encode(data).decode()
url = lambda data: base64.urlsafe_b64encode(data).rstrip(b"=").decode()
compact = lambda value, ascii=False: json.dumps(value, separators=(",", ":"), ensure_ascii=ascii)
TOKEN = "header.claims-of-this-token.signature"


def ordered(value, key):
    if isinstance(value, dict):
        return {k: ordered(value[k], key) for k in sorted(value, key=key)}
    return [ordered(v, key) for v in value] if isinstance(value, list) else value


class Spelled(float):
    """A number that is written as it is spelled."""
    def __new__(cls, text):
        made = super().__new__(cls, text)
        made.text = text
        return made
    def __repr__(self):
        return self.text


CODE_POINTS = lambda name: name
UTF16 = lambda name: name.encode("utf-16-be", "surrogatepass")
call = lambda args, **more: {"jsonrpc": "2.0", "id": "req-1", "method": "tools/call",
                             "params": {"name": "fs.read", "arguments": args}, **more}
iso = lambda unix, ms=123: datetime.fromtimestamp(unix, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S") + f".{ms:03d}Z"
envelopes = []


def vector(id, payload, *, ok=None, parsed=None, reason=None, code=None, status=None, at=NOW, now=NOW, timestamp=None,
           signed=None, order=CODE_POINTS, key=signer, change=lambda e: e, wire=compact, public=None, accepted=None, **extra):
    message = compact({"payload": ordered(payload, order), "security_token": TOKEN, "timestamp": at}) if signed is None else signed
    signature = key.sign(message.encode())
    envelope = change({"protocol": "seal/v1", "security_token": TOKEN, "signature": b64(signature), "payload": payload,
                       "timestamp": iso(at) if timestamp is None else timestamp})
    verdict = "reject" if reason else "accept"
    text = envelope if isinstance(envelope, str) else wire(envelope)
    envelopes.append({
        "id": id, "signer_seed_hex": SEED.hex(), "public_key_hex": raw(signer).hex(), "public_key_base64": b64(raw(signer)),
        "security_token": TOKEN, "timestamp_unix": at, "signed_message_hex": message.encode().hex(),
        "signature_base64": b64(signature), "envelope_json": text,
        "verify": {"public_key_hex": (public or raw(signer)).hex(), "now_unix": now, "max_age_seconds": 30,
                   **({"already_accepted": accepted} if accepted else {})},
        "expected": {"verdict": verdict, "parsed_object_verdict": parsed or verdict,
                     **({"reason": reason, "wire_code": code, "http_status": status} if reason else {})}, **extra})


good = lambda id, payload, **more: vector(id, payload, **more)
bad = lambda id, reason, payload=None, **more: vector(id, payload or call({"path": "a"}), reason=reason, **{**{
    "code": 1000, "status": 400}, **more})
forged = dict(code=1001, status=401)
late = dict(code=1003, status=401)
without = lambda name: lambda e: {k: v for k, v in e.items() if k != name}
replaced = lambda **parts: lambda e: {**e, **parts}

good("baseline", call({"path": "notes.txt"}))
good("nested", call({"z": [{"b": 1, "a": [True, None, {"y": "", "x": {}}]}], "": []}))
good("unicode", call({"é": "naïve 日本語 \u2028\u2029\u007f", "ключ": "🙂"}))
good("astral-names", call({"\U0001F600": 1, "\uFB01": 2}), signed_like="python")
good("astral-names-utf16", call({"\U0001F600": 1, "\uFB01": 2}), order=UTF16, key_order="utf16", signed_like="typescript")
good("escapes", call({"t": "\"\\/\b\t\n\f\r\u0000\u000b\u001f"}))
good("common-numbers", call({"n": [0, -1, 1.5, 1e21, 123456.789, 9007199254740991]}))
good("large-integers", call({"n": [9007199254740993, 18446744073709551616]}), parsed="reject", signed_like="python")
good("python-floats", call({"n": [1.0, 1e16, 1e-05, -0.0]}), parsed="reject", signed_like="python")
good("kept-spelling", call({"n": [Spelled("1.50"), Spelled("1E2"), Spelled("-0")]}), parsed="reject", signed_like="nobody")
good("empty-arguments", call({}))
good("special-names", {"method": "m", "params": {"__proto__": {"a": 1}, "constructor": 1, "10": 1, "9": 2, "toString": 0}},
     signed_like="python")
good("ascii-wire", call({"t": "日本"}), wire=lambda e: json.dumps(e, indent=2))
good("offset", call({}), timestamp=datetime.fromtimestamp(NOW, timezone(timedelta(hours=5, minutes=30))).isoformat())
good("integer-timestamp", call({}), timestamp=NOW)
good("border-past", call({}), at=NOW - 30)
good("border-future", call({}), at=NOW + 30)
good("unknown-members", call({}), change=replaced(container_id="c"))
bad("stale", "stale_timestamp", at=NOW - 31, **late)
bad("future", "future_timestamp", at=NOW + 31, **late)
bad("tampered", "invalid_signature", change=replaced(payload=call({"path": "b"})), **forged)
bad("swapped-token", "invalid_signature", change=replaced(security_token=TOKEN + "x"), **forged)
bad("shifted", "invalid_signature", timestamp=iso(NOW + 1), **forged)
bad("wrong-key", "invalid_signature", public=raw(other), **forged)
bad("identity-key", "weak_public_key", public=bytes([1] + [0] * 31), **forged)
bad("identity-key-signed", "weak_public_key", public=bytes([1] + [0] * 30 + [128]), **forged)
bad("no-point", "invalid_public_key", public=bytes([2] + [0] * 31), **forged)
for name in ("protocol", "security_token", "signature", "payload", "timestamp"):
    bad(f"without-{name}", "malformed_envelope", change=without(name))
    bad(f"null-{name}", "malformed_envelope", change=replaced(**{name: None}))
bad("payload-array", "malformed_envelope", change=replaced(payload=[1]))
bad("payload-empty", "malformed_envelope", change=replaced(payload={}))
bad("array", "malformed_envelope", change=lambda e: "[]")
bad("old-protocol", "unsupported_protocol", change=replaced(protocol="smcp/v1"))
bad("protocol-case", "unsupported_protocol", change=replaced(protocol="SEAL/v1"))
for number, text in enumerate(("2027-01-15T08:00:00", "2027-01-15T08:00:00z", "2027-01-15 08:00:00Z", "2027-01-15T08:00:00+0000",
                               "2027-01-15T08:00Z", "2027-01-15T08:00:60Z", "2027-01-15T24:00:00Z", "2027-02-29T08:00:00Z",
                               "2027-01-15T08:00:00,5Z", "1800000000", 1800000000.5, "Fri, 15 Jan 2027 08:00:00 GMT", True)):
    bad(f"timestamp-{number}", "invalid_timestamp", timestamp=text)
SIGNATURE = b64(signer.sign(b"x"))
for number, text in enumerate(("!" * 88, SIGNATURE[:-1], SIGNATURE[:-2], SIGNATURE + "\n", SIGNATURE[:-3] + "B==", " " + SIGNATURE,
                               SIGNATURE.replace("=", "-"))):
    bad(f"base64-{number}", "invalid_signature_encoding", change=replaced(signature=text))
bad("short-signature", "invalid_signature", change=replaced(signature=b64(bytes(63))), **forged)
ORDER = 2**252 + 27742317777372353535851937790883648493
def high_s(e):
    made = base64.b64decode(e["signature"])
    return {**e, "signature": b64(made[:32] + (int.from_bytes(made[32:], "little") + ORDER).to_bytes(32, "little"))}
bad("high-s", "invalid_signature", change=high_s, **forged)
bad("received-order", "invalid_signature",
    signed=compact({"payload": call({"path": "a"}), "security_token": TOKEN, "timestamp": NOW}), key_order="wire", **forged)
payload = call({"path": "é"})
bad("ascii-signed", "invalid_signature", payload, signed=compact(
    {"payload": ordered(payload, CODE_POINTS), "security_token": TOKEN, "timestamp": NOW}, True), signed_like="rfc", **forged)
first = [{"id": "baseline", "at_unix": NOW}]
again = call({"path": "notes.txt"})
bad("replay", "replay_detected", again, accepted=first, now=NOW + 5, **late)
bad("replay-reformatted", "replay_detected", again, accepted=first, wire=lambda e: json.dumps(e, indent=1), **late)
bad("replay-at-the-border", "replay_detected", again, accepted=[{"id": "baseline", "at_unix": NOW - 30}], now=NOW + 30, **late)

claims = {"sub": "a", "exec_id": "e", "scp": "default", "security_context": "default", "wid": "w", "iss": "aegis-orchestrator",
          "aud": "aegis-agents", "iat": NOW, "exp": NOW + 3600, "jti": "j", "tenant_id": "acme"}
rsa_key = rsa.generate_private_key(65537, 2048)
tokens = []


def token(id, changed, alg="EdDSA", key="ed25519", reason=None, cut=lambda t: t, now=NOW):
    said = {k: v for k, v in {**claims, **changed}.items() if v is not ...}
    head = url(compact({"alg": alg, "typ": "JWT"}).encode()) + "." + url(compact(said).encode())
    if alg == "none": signature = b""
    elif key == "rsa": signature = rsa_key.sign(head.encode(), padding.PKCS1v15(), hashes.SHA256())
    else: signature = issuer.sign(head.encode())
    tokens.append({"id": f"token-{id}", "token": cut(f"{head}.{url(signature)}"),
                   "verify": {"key": key, "issuer": "aegis-orchestrator", "audience": "aegis-agents", "now_unix": now},
                   "expected": {"verdict": "reject" if reason else "accept", **(
                       {"reason": reason, "wire_code": 1003 if reason == "token_expired" else 1004} if reason else {})}})


token("eddsa", {})
token("rs256", {}, "RS256", "rsa")
token("audiences", {"aud": ["x", "aegis-agents"]})
token("last-second", {}, now=NOW + 3599)
token("expired", {}, reason="token_expired", now=NOW + 3600)
for name in ("exp", "sub", "exec_id", "scp", "wid", "jti", "tenant_id", "iss", "aud"):
    token(f"without-{name}", {name: ...}, reason="token_invalid")
token("blank-workload", {"wid": " "}, reason="token_invalid")
token("issuer", {"iss": "x"}, reason="token_invalid")
token("audience", {"aud": "aegis-agents-2"}, reason="token_invalid")
token("two-days", {"exp": NOW + 172800}, reason="token_invalid")
token("not-yet", {"nbf": NOW + 60}, reason="token_invalid")
token("none", {}, "none", reason="token_invalid")
token("hs256", {}, "HS256", reason="token_invalid")
token("other-algorithm", {}, "RS256", "ed25519", reason="token_invalid")
token("cut", {}, reason="token_invalid", cut=lambda t: t[:-3])
token("four-parts", {}, reason="token_invalid", cut=lambda t: t + ".x")
token("flipped", {}, reason="token_invalid", cut=lambda t: t.replace(".ey", ".eY", 1))

print(json.dumps({
    "legend": "made by vectors.py; envelope_json is the body of a request, verify what the verifier is given",
    "issuer": {"rsa_public_key_pem": pem(rsa_key), "ed25519_public_key_pem": pem(issuer)},
    "envelopes": envelopes, "tokens": tokens}, indent=1))
