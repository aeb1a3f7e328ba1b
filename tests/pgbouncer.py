"""PgBouncer, which leads each transaction to any of a few connections. Without it a laptop skips, and CI fails."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import pytest
from processes import until

from worker.process.embedded_redis import free_port


@contextmanager
def pooled(url, folder, *, connections):
    """Lead to a database in transaction mode; gives the URL to connect to."""
    # Debian has it where only root looks.
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no pgbouncer")
    parts, port = urlsplit(url), free_port()
    database = parts.path.removeprefix("/")
    config = folder / "pgbouncer.ini"
    config.write_text(
        f"[databases]\n{database} = host={parts.hostname} port={parts.port} user={parts.username}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
        f"pool_mode = transaction\ndefault_pool_size = {connections}\n"
    )
    # It does not run as root.
    command = [program, "--quiet", *(["--user", "nobody"] if os.geteuid() == 0 else []), str(config)]
    with subprocess.Popen(command, stdout=sys.stderr) as process:
        try:
            until(lambda: process.poll() is None and _answers(port))
            yield f"postgresql://{parts.username}@127.0.0.1:{port}/{database}"
        finally:
            process.terminate()


def _answers(port):
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
