"""The code in docs/receiving.md works as it stands there, on requests that our own webhook sink has signed."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import time
from pathlib import Path

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from payloads.records import build, callback, legs_of
from sink_contract import SECRET, record, sink_spec
from stubs import StubServer, answer

from worker.sinks import sink_for

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/receiving.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
(NODE,) = re.findall(r"^```js\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)

OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
KEY, OTHER_KEY = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2))


def written(prefix, raw):
    return prefix + base64.b64encode(raw).decode()


PRIVATE = written("whsk_", KEY.private_bytes_raw())
PUBLIC = written("whpk_", KEY.public_key().public_bytes_raw())
OTHER_PUBLIC = written("whpk_", OTHER_KEY.public_key().public_bytes_raw())


def block(word):
    """Run the one block of Python in which a word stands; what it has defined."""
    (code,) = [code for code in PYTHON if word in code]
    namespace = {}
    exec(compile(code, "receiving.md", "exec"), namespace)
    return namespace


def by_node(folder):
    """The function in the block for Node, as one in Python."""
    (folder / "genuine.js").write_text(NODE, encoding="utf-8")
    program = """
        import { isGenuine } from "./genuine.js";
        import { readFileSync } from "node:fs";
        const { secret, headers, body } = JSON.parse(readFileSync(0, "utf8"));
        console.log(isGenuine(secret, headers, Buffer.from(body, "base64")));
    """

    def is_genuine(secret, headers, body):
        asked = {"secret": secret, "headers": dict(headers), "body": base64.b64encode(body).decode()}
        done = subprocess.run(
            ["node", "--input-type=module", "--eval", program],
            cwd=folder,
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
        return {"true": True, "false": False}[done.stdout.strip()]

    return is_genuine


@pytest.fixture(params=["package", "by hand", "ed25519", "node"])
def way(request):
    """A function of the page, with the secret that signs, the one that verifies, and a stranger's."""
    if request.param == "node":
        return by_node(request.getfixturevalue("node_folder")), SECRET, SECRET, OTHER_SECRET
    if request.param == "ed25519":
        return block("Ed25519PublicKey")["is_genuine"], PRIVATE, PUBLIC, OTHER_PUBLIC
    word = {"package": "from standardwebhooks", "by hand": "hmac.digest"}[request.param]
    return block(word)["is_genuine"], SECRET, SECRET, OTHER_SECRET


def sent_with(*secrets):
    """A request as our sink sends it: its headers, which find a name however it is written, and its body."""
    with StubServer(answer(status=204)) as subscriber:
        sink = sink_for(sink_spec(subscriber.url, secrets=secrets, allow_private=True))
        sink.send([record(name="नमस्ते")])
        sink.close()
        return subscriber.seen[0].headers, subscriber.seen[0].body


def changed(headers, **changes):
    """The same headers with some other values; None: without them."""
    kept = {name.lower(): value for name, value in headers.items()}
    kept |= {name.replace("_", "-"): value for name, value in changes.items()}
    return {name: value for name, value in kept.items() if value is not None}


def test_what_our_sink_sends_is_genuine(way):
    is_genuine, ours, theirs, _ = way
    headers, body = sent_with(ours)
    assert is_genuine(theirs, headers, body) is True


def test_what_somebody_has_changed_is_not(way):
    is_genuine, ours, theirs, _ = way
    headers, body = sent_with(ours)
    for other in (body + b" ", body.replace(b"outbound", b"inbound"), b""):
        assert is_genuine(theirs, headers, other) is False
    assert is_genuine(theirs, changed(headers, webhook_id="evt_another"), body) is False
    assert is_genuine(theirs, changed(headers, webhook_timestamp=str(int(time.time()) - 30)), body) is False


def test_what_a_stranger_has_signed_is_not(way):
    is_genuine, ours, _, strangers = way
    headers, body = sent_with(ours)
    assert is_genuine(strangers, headers, body) is False


@pytest.mark.parametrize("name", ["webhook_id", "webhook_timestamp", "webhook_signature"])
def test_what_lacks_a_header_is_not(way, name):
    is_genuine, ours, theirs, _ = way
    headers, body = sent_with(ours)
    assert is_genuine(theirs, changed(headers, **{name: None}), body) is False
    assert is_genuine(theirs, changed(headers, **{name: ""}), body) is False


@pytest.mark.parametrize("signature", ["v1", "v1,", "v1a,", "v1a,AAAA", "v9,AAAA", ",", "v1,ü", "v1a,ü"])
def test_what_is_no_signature_is_not(way, signature):
    is_genuine, ours, theirs, _ = way
    headers, body = sent_with(ours)
    assert is_genuine(theirs, changed(headers, webhook_signature=signature), body) is False


def test_what_is_not_of_these_five_minutes_is_not(way, monkeypatch):
    """Signed by our own sink, whose clock is wrong: everything about it is right but for the time."""
    is_genuine, ours, theirs, _ = way
    now = time.time()
    for offset, expected in ((-270, True), (-330, False), (270, True), (330, False)):
        with monkeypatch.context() as patch:
            patch.setattr(time, "time", lambda offset=offset: now + offset)
            headers, body = sent_with(ours)
        assert is_genuine(theirs, headers, body) is expected, offset
    assert is_genuine(theirs, changed(headers, webhook_timestamp="soon"), body) is False


def test_while_a_secret_is_changed_either_fits(way):
    is_genuine, ours, theirs, strangers = way
    headers, body = sent_with(OTHER_SECRET, ours)
    assert len(headers["webhook-signature"].split()) == 2
    assert is_genuine(theirs, headers, body) is True
    if not strangers.startswith("whpk_"):
        assert is_genuine(strangers, headers, body) is True
    with_unknown = changed(headers, webhook_signature=f"v9,AAAA {headers['webhook-signature']}")
    assert is_genuine(theirs, with_unknown, body) is True


def of(revision, *, available=True):
    legs = legs_of(("outbound", "09000000001", "completed", 25)) if available else None
    return build(legs, [callback()], revision=revision, settled=available, reason=None if available else "404")


def test_the_newest_record_is_told_by_its_revision():
    is_newer = block("def is_newer")["is_newer"]
    unavailable, first, second, tenth = of(1, available=False), of(1), of(2), of(10)
    rising = [None, unavailable, first, second, tenth]
    for place, held in enumerate(rising):
        for other, each in enumerate(rising[1:], start=1):
            assert is_newer(each, held) is (other > place)


def test_every_block_of_python_is_run_here():
    words = ["from standardwebhooks", "hmac.digest", "Ed25519PublicKey", "def is_newer"]
    assert len(PYTHON) == len(words)
    assert all(block(word) for word in words)


def test_the_one_without_a_package_is_as_short_as_one_hopes():
    (code,) = [code for code in PYTHON if "hmac.digest" in code]
    assert len([line for line in code.splitlines() if line.strip()]) <= 15
    assert "standardwebhooks" not in code


def test_the_types_of_calls_on_the_page_are_those_that_are_sent():
    types = {of(1)["type"], of(2)["type"], of(1, available=False)["type"]}
    assert types == set(re.findall(r"^\| `(legwork\.call\.\w+)` \|", TEXT, re.MULTILINE))
    assert orjson.loads(sent_with(SECRET)[1])["type"] in types
