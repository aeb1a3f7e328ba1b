"""Secrets are encrypted under a key, and read under any of several."""

from __future__ import annotations

import pytest

from worker.encryption import Encryptor, Locked, new_key

OLD, NEW = new_key(), new_key()


def test_what_was_encrypted_comes_back_and_does_not_show():
    token = Encryptor([OLD]).encrypt("whsec_secret ✓")
    assert "secret" not in token
    assert Encryptor([OLD]).decrypt(token) == "whsec_secret ✓"


def test_a_new_key_before_the_old_one_reads_what_the_old_one_wrote():
    token = Encryptor([OLD]).encrypt("text")
    assert Encryptor([NEW, OLD]).decrypt(token) == "text"
    with pytest.raises(Locked, match="after the current one"):
        Encryptor([NEW]).decrypt(token)


def test_what_is_written_while_rotating_is_under_the_newest_key():
    assert Encryptor([NEW]).decrypt(Encryptor([NEW, OLD]).encrypt("text")) == "text"


def test_without_a_key_it_is_said_how_to_get_one():
    for act in (Encryptor(()).encrypt, Encryptor(()).decrypt):
        with pytest.raises(Locked, match="legwork sinks key"):
            act("text")
