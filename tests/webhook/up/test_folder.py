from __future__ import annotations

import stat
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.settings import SettingsError
from schemas.settings.environment import Environment
from schemas.settings.load import set_in
from webhook.up.folder import Folder, is_left_behind


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_nobody_else_can_read_what_is_kept(tmp_path):
    folder = Folder(tmp_path)
    with folder.locked():
        folder.sandbox_account()
        folder.publish({"NAME": "value"})
        assert mode(folder.path) == 0o700
        assert {mode(path) for path in folder.path.rglob("*") if path.is_file()} == {0o600}


def test_only_one_may_run_in_a_directory(tmp_path):
    with Folder(tmp_path).locked():
        with pytest.raises(SettingsError, match="another `legwork up`"), Folder(tmp_path).locked():
            pass
        assert not (tmp_path / ".legwork/environment").exists()
    with Folder(tmp_path).locked():
        pass


def test_the_one_that_runs_keeps_what_it_published(tmp_path):
    folder = Folder(tmp_path)
    with folder.locked():
        folder.publish({"NAME": "value"})
        with pytest.raises(SettingsError), Folder(tmp_path).locked():
            pass
        assert not is_left_behind(tmp_path)


@given(
    st.dictionaries(
        st.sampled_from(["SINKS", "SINK_SECRET", "EXOTEL_API_TOKEN"]),
        st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1),
    )
)
def test_what_is_published_is_read_to_the_letter(variables):
    with TemporaryDirectory() as directory:
        folder = Folder(Path(directory))
        with folder.locked():
            folder.publish(variables)
            found = Environment({}, Path(directory), [])
            read = {name: found.find(name) for name in variables}
    assert {name: each.text for name, each in read.items()} == {
        name: text.removeprefix("\ufeff") for name, text in variables.items() if text.removeprefix("\ufeff")
    }


def test_settings_of_the_environment_are_published_and_nothing_else_of_it():
    environ = {"SINKS": "stdout:", "EXOTEL_API_TOKEN_FILE": "/run/token", "HOME": "/root", "PATH": "/bin", "PORT": ""}
    assert set_in(environ) == {"SINKS": "stdout:", "EXOTEL_API_TOKEN_FILE": "/run/token"}


def test_what_up_was_given_is_known_to_other_commands_where_the_env_file_says_nothing(tmp_path):
    (tmp_path / ".env").write_text("PORT=9000\n")
    folder = Folder(tmp_path)
    with folder.locked():
        folder.publish({"SINKS": "file:b.jsonl", "PORT": "7000"})
        given = Environment({}, tmp_path, [])
        assert (given.find("SINKS").text, given.find("PORT").text) == ("file:b.jsonl", "9000")


def test_what_a_killed_one_published_is_taken_back_by_the_next(tmp_path):
    folder = Folder(tmp_path)
    with folder.locked():
        folder.publish({"NAME": "value"})
    with Folder(tmp_path).locked():
        assert is_left_behind(tmp_path)


def test_a_directory_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / ".legwork").write_text("a file in the way")
    with pytest.raises(SettingsError, match=r"\.legwork/: cannot be written"), Folder(tmp_path).locked():
        pass


def test_data_of_pretend_calls_is_begun_anew_and_that_of_real_ones_is_not(tmp_path):
    folder = Folder(tmp_path)
    for pretend, kept in ((True, False), (False, True)):
        data = folder.redis(of_sandbox=pretend)
        data.mkdir(parents=True)
        (data / "appendonly.aof").touch()
        assert (folder.redis(of_sandbox=pretend) / "appendonly.aof").exists() is kept
