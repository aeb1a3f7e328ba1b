"""Secrets are encrypted under a key, and read under any of several."""

from __future__ import annotations

import pytest

from worker.encryption import Locked, Vault, new_key

OLD, NEW = new_key(), new_key()


def test_what_was_encrypted_comes_back_and_does_not_show():
    token = Vault([OLD]).encrypt("whsec_secret ✓")
    assert "secret" not in token
    assert Vault([OLD]).decrypt(token) == "whsec_secret ✓"


def test_a_new_key_before_the_old_one_reads_what_the_old_one_wrote():
    token = Vault([OLD]).encrypt("text")
    assert Vault([NEW, OLD]).decrypt(token) == "text"
    with pytest.raises(Locked, match="behind the present one"):
        Vault([NEW]).decrypt(token)


def test_what_is_written_while_rotating_is_under_the_newest_key():
    assert Vault([NEW]).decrypt(Vault([NEW, OLD]).encrypt("text")) == "text"


def test_without_a_key_it_is_said_how_to_get_one():
    for act in (Vault(()).encrypt, Vault(()).decrypt):
        with pytest.raises(Locked, match="legwork sinks key"):
            act("text")
