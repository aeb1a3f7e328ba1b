"""`.legwork/` in the working directory: all that `legwork up` keeps, and the lock that makes it the only one there."""

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
    """What `legwork up` keeps in a working directory.

    `redis/` is the embedded server's data, `secret-key` what secrets in it are encrypted under. `sandbox/account` is the
    pretend account, the same at each start, so that the callback URLs stay; `sandbox/redis/` is the server's data while
    there is a sandbox, begun anew with it, because it knows nothing of the calls it had before. `environment` is a layer
    of settings for whoever asks from another terminal (see `schemas.settings`); it is there only while `legwork up` runs,
    so that what it says is never stale.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / NAME
        self._environment = self.path / "environment"
        self._sandbox = self.path / "sandbox"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only `legwork up` in this directory, until the end of the process if need be.

        Raises SettingsError where another one runs, or where the folder cannot be written.
        """
        try:
            self.path.mkdir(mode=0o700, exist_ok=True)
            self.path.chmod(0o700)
            lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            problem = f"{NAME}/: cannot be written ({error.strerror}); start it in a directory that can be written"
            raise SettingsError([problem]) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(lock, 0)
            os.pwrite(lock, str(os.getpid()).encode(), 0)
            self.withdraw()  # a killed one left it behind
            yield
        except BlockingIOError as error:
            pid = os.pread(lock, 20, 0).decode() or "?"
            problem = f"{NAME}/: another `legwork up` (process {pid}) runs in this directory; stop it, or use another"
            raise SettingsError([problem]) from error
        finally:
            os.close(lock)

    def pretend_account(self) -> dict[str, str]:
        """The variables of the sandbox's account; made at the first start."""
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
        """The key that secrets in the embedded server's data are encrypted under; made at the first start."""
        file = self.path / "secret-key"
        if not file.exists():
            _write(file, {"LEGWORK_SECRET_KEY": new_key()})
        return dotenv_values(file).get("LEGWORK_SECRET_KEY") or ""

    def redis(self, *, of_sandbox: bool) -> Path:
        """The directory for the embedded server's data; that of the sandbox is empty."""
        if not of_sandbox:
            return self.path / "redis"
        shutil.rmtree(self._sandbox / "redis", ignore_errors=True)
        return self._sandbox / "redis"

    def publish(self, variables: Mapping[str, str]) -> None:
        """Let other commands in this directory know what this `legwork up` decided."""
        _write(self._environment, variables)

    def withdraw(self) -> None:
        """Take back what was published."""
        self._environment.unlink(missing_ok=True)


def is_left_behind(directory: Path) -> bool:
    """Has `legwork up` been used in this directory, and does not run now?"""
    try:
        return (directory / NAME).is_dir() and not (directory / NAME / "environment").exists()
    except PermissionError:  # it is somebody else's
        return False


def _write(path: Path, variables: Mapping[str, str]) -> None:
    """Write variables for this user's eyes only, all or nothing."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text("".join(f"{name}='{value}'\n" for name, value in variables.items()), encoding="utf-8")
    draft.replace(path)
