"""`.legwork/` in the working directory: the files of `legwork up`, and the lock that allows only one per directory."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dotenv import dotenv_values

from schemas.settings import SettingsError
from worker.encryption import new_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

NAME = ".legwork"


class Folder:
    """The files of `legwork up` in a working directory.

    `redis/` is the embedded server's data, `secret-key` the key that encrypts secrets in it. `sandbox/account` is the
    sandbox's account, the same at each start, so that the callback URLs stay valid; `sandbox/redis/` is the server's data
    when the sandbox runs, emptied at each start, because the sandbox forgets its calls. `environment` is a layer of settings
    for commands in another terminal (see `schemas.settings`); it exists only while `legwork up` runs, so it is never stale.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / NAME
        self._environment = self.path / "environment"
        self._sandbox = self.path / "sandbox"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the directory's lock; the system releases it at the latest when the process ends.

        Raises SettingsError if another `legwork up` holds it, or the folder cannot be written.
        """
        try:
            self.path.mkdir(mode=0o700, exist_ok=True)
            self.path.chmod(0o700)
            lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            problem = f"{NAME}/: cannot be written ({error.strerror}); start it in a writable directory"
            raise SettingsError([problem]) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(lock, 0)
            os.pwrite(lock, str(os.getpid()).encode(), 0)
            self.withdraw()  # a killed `legwork up` may have left it
            yield
        except BlockingIOError as error:
            pid = os.pread(lock, 20, 0).decode() or "?"
            problem = f"{NAME}/: another `legwork up` (process {pid}) runs in this directory; stop it, or use another directory"
            raise SettingsError([problem]) from error
        finally:
            os.close(lock)

    def sandbox_account(self) -> dict[str, str]:
        """Return the variables of the sandbox's account, which is created at the first start."""
        file = self._sandbox / "account"
        if not file.exists():
            account = {
                "EXOTEL_ACCOUNT_SID": "sandbox1",
                "EXOTEL_API_KEY": secrets.token_urlsafe(24),
                "EXOTEL_API_TOKEN": secrets.token_urlsafe(24),
                "CALLBACK_TOKEN": secrets.token_urlsafe(24),
            }
            self._sandbox.mkdir(mode=0o700, exist_ok=True)
            _write(file, account)
        return {name: value for name, value in dotenv_values(file).items() if value}

    def secret_key(self) -> str:
        """Return the key that encrypts secrets in the embedded server's data; it is created at the first start."""
        file = self.path / "secret-key"
        if not file.exists():
            _write(file, {"LEGWORK_SECRET_KEY": new_key()})
        return dotenv_values(file).get("LEGWORK_SECRET_KEY") or ""

    def redis(self, *, of_sandbox: bool) -> Path:
        """Return the directory for the embedded server's data; with the sandbox it is emptied first."""
        if not of_sandbox:
            return self.path / "redis"
        shutil.rmtree(self._sandbox / "redis", ignore_errors=True)
        return self._sandbox / "redis"

    def publish(self, variables: Mapping[str, str]) -> None:
        """Write the settings that this `legwork up` decided, for other commands in this directory."""
        _write(self._environment, variables)

    def withdraw(self) -> None:
        """Delete the published settings."""
        self._environment.unlink(missing_ok=True)


def is_left_behind(directory: Path) -> bool:
    """Was `legwork up` used in this directory, without running now?"""
    try:
        return (directory / NAME).is_dir() and not (directory / NAME / "environment").exists()
    except PermissionError:  # it belongs to another user
        return False


def _write(path: Path, variables: Mapping[str, str]) -> None:
    """Write variables atomically to a file that only this user may read."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    lines = [f"{name}='{_quoted(value)}'\n" for name, value in variables.items()]
    draft.write_text("".join(lines), encoding="utf-8")
    draft.replace(path)


def _quoted(value: str) -> str:
    """Return a value as python-dotenv reads it between single quotes."""
    return value.replace("\\", "\\\\").replace("'", "\\'")
