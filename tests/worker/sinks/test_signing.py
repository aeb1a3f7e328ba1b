"""Signatures by Standard Webhooks: what others' libraries and a few lines of one's own accept."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from factories import make_settings
from marshmallow import ValidationError
from sink_contract import SECRET, record, sink_spec
from standardwebhooks import Webhook
from stubs import StubServer, answer

from worker.sinks import BadSink, open_sinks, sink_for
from worker.sinks.signing import new_secret, public_key, signer_for

OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
# RFC 8032, 7.1, tests 1 and 2: the private keys and their public ones.
SEED, PUBLIC = (
    bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"),
    bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
)
OTHER_PUBLIC = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")


def whsk(key):
    return "whsk_" + base64.b64encode(key).decode()


# The seed alone is the private key of RFC 8032; Svix writes the public one behind it.
KEY, PAIR = whsk(SEED), whsk(SEED + PUBLIC)

VECTORS = [
    (
        SECRET,
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ),
    (
        OTHER_SECRET,
        "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
        1649367553,
        b'{"email":"test@example.com","username":"test_user"}',
        "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
    ),
    (
        SECRET,
        "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
        1674087231,
        b'{"type":"contact.created","timestamp":"2022-11-03T20:26:10.344522Z","data":{"id":"%b"}}'
        % b"1f81eb52-5198-4599-803e-771906343485",
        "v1,ARw42xaAApl/nxRo+iPGYwSaMQaOwMo2eyH5JBRA+bQ=",
    ),
]


def is_genuine(secret, headers, body):
    """What a subscriber writes who has no library: the specification in a dozen lines, for either sort of secret."""
    kind, _, written = secret.partition("_")
    key = base64.b64decode(written)
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    for entry in headers["webhook-signature"].split(" "):
        version, _, signature = entry.partition(",")
        given = base64.b64decode(signature)
        if (version, kind) == ("v1", "whsec") and hmac.compare_digest(
            given, hmac.new(key, signed, hashlib.sha256).digest()
        ):
            return True
        if (version, kind) == ("v1a", "whpk"):
            try:
                Ed25519PublicKey.from_public_bytes(key).verify(given, signed)
            except InvalidSignature:
                continue
            return True
    return False


@pytest.fixture
def received():
    """Sends a record that is signed with some secrets; gives the request that arrived."""
    with StubServer(answer()) as subscriber:

        def send(*secrets):
            sink = sink_for(sink_spec(subscriber.url, secrets=secrets, allow_private=True))
            sink.send([record(name="नमस्ते", note="\u2028")])
            sink.close()
            return subscriber.seen[-1]

        yield send


@pytest.mark.parametrize(("secret", "message_id", "seconds", "body", "published"), VECTORS)
def test_it_signs_as_the_published_vectors_do(secret, message_id, seconds, body, published):
    assert signer_for(secret)(message_id, seconds, body) == published


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/New_York", "UTC"])
def test_the_machines_time_zone_changes_no_signature(monkeypatch, zone):
    # `sign` of the package takes the digits of any datetime for UTC's; a local one would sign another second.
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        for secret, message_id, seconds, body, published in VECTORS:
            assert signer_for(secret)(message_id, seconds, body) == published
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("secret", [KEY, PAIR], ids=["the key alone", "with its public key, as Svix writes it"])
def test_a_private_key_signs_v1a_and_its_public_key_verifies(secret):
    signature = signer_for(secret)("msg_1", 1614265330, b'{"a":1}')
    version, _, given = signature.partition(",")
    assert version == "v1a"
    Ed25519PublicKey.from_public_bytes(PUBLIC).verify(base64.b64decode(given), b'msg_1.1614265330.{"a":1}')
    with pytest.raises(InvalidSignature):
        Ed25519PublicKey.from_public_bytes(PUBLIC).verify(base64.b64decode(given), b'msg_1.1614265331.{"a":1}')


def test_the_public_key_is_the_private_ones():
    assert public_key(KEY) == public_key(PAIR) == "whpk_" + base64.b64encode(PUBLIC).decode()


def test_a_new_secret_is_one_and_never_the_same():
    first, second = new_secret(), new_secret()
    assert first != second
    assert len(base64.b64decode(first.removeprefix("whsec_"), validate=True)) == 32
    signature = signer_for(first)("msg_1", 1614265330, b"{}")
    assert signature != signer_for(second)("msg_1", 1614265330, b"{}")


# Over the wire


def test_a_shared_secret_is_accepted_by_the_reference_library_and_by_ones_own_lines(received):
    seen = received(SECRET)
    Webhook(SECRET).verify(seen.body, dict(seen.headers))
    assert is_genuine(SECRET, seen.headers, seen.body)
    assert not is_genuine(OTHER_SECRET, seen.headers, seen.body)
    assert not is_genuine(SECRET, seen.headers, seen.body + b" ")


def test_a_private_key_is_accepted_by_its_public_one(received):
    seen = received(KEY)
    assert seen.headers["webhook-signature"].startswith("v1a,")
    assert is_genuine(public_key(KEY), seen.headers, seen.body)
    assert not is_genuine("whpk_" + base64.b64encode(OTHER_PUBLIC).decode(), seen.headers, seen.body)
    assert not is_genuine(public_key(KEY), seen.headers, seen.body.replace(b"1", b"2"))


def test_while_rotating_each_secret_of_any_sort_signs_in_its_turn(received):
    seen = received(KEY, SECRET, OTHER_SECRET)
    versions = [entry.partition(",")[0] for entry in seen.headers["webhook-signature"].split(" ")]
    assert versions == ["v1a", "v1", "v1"]
    for secret in (public_key(KEY), SECRET, OTHER_SECRET):
        assert is_genuine(secret, seen.headers, seen.body)
    for secret in (SECRET, OTHER_SECRET):
        Webhook(secret).verify(seen.body, dict(seen.headers))


def test_the_settings_take_a_mixture(received):
    settings = make_settings(sinks="https://crm.example.com/", sink_secret=f"{PAIR} {SECRET}")
    assert settings.sinks[0].secrets == (PAIR, SECRET)
    (sink,) = open_sinks(settings).values()
    assert sink.secrets == (PAIR, SECRET)


# What is no secret


@pytest.mark.parametrize(
    ("secret", "problem"),
    [
        ("hunter2", "does not start with whsec_ or whsk_"),
        ("whsec_", "is of the wrong length"),
        (whsk(SEED[:31]), "is of the wrong length"),
        (whsk(SEED + PUBLIC[:1]), "is of the wrong length"),
        ("whsk_hunter2!", "is not base64 after whsk_"),
        (whsk(SEED + OTHER_PUBLIC), "holds a public key that is not the private one's"),
    ],
)
def test_what_cannot_sign_is_refused_at_the_start_and_not_shown(secret, problem):
    with pytest.raises(BadSink, match=f"sink crm: secret: {problem}") as caught:
        sink_for(sink_spec("https://crm.example.com/", secrets=[secret]))
    assert len(secret) < 8 or secret not in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("secret", [SECRET, "whpk_" + base64.b64encode(PUBLIC).decode()])
def test_only_a_private_key_has_a_public_one(secret):
    with pytest.raises(ValidationError) as caught:
        public_key(secret)
    assert secret not in str(caught.value)
