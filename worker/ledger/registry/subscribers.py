"""Store the sinks that were added at run time, for all processes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from schemas.settings import SinkSpec
from schemas.settings.sink_fields import RateLimit
from worker.encryption import Encryptor, Locked
from worker.errors import LegworkError
from worker.ledger.keys import LEDGER, REMOVED_SINKS, SINK_RUNS, SINKS, SUBSCRIBERS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# The version of a stored subscriber. Raise it when an older Legwork could misread what this one writes.
_VERSION = 1
# The field of the ledger that grows with every change, which makes checking for changes cheap.
CHANGES = "subscribers"


class NameTaken(LegworkError):
    """Raised if there is a sink with that name already."""


class ChangedMeanwhile(LegworkError):
    """Raised if a subscriber is not at the version that was to be changed."""


@dataclass(frozen=True, slots=True)
class Register:
    """A snapshot of all subscribers: those that can be used, and those that cannot, with the reason."""

    changes: int = 0
    specs: dict[str, SinkSpec] = field(default_factory=dict)
    unusable: dict[str, str] = field(default_factory=dict)
    #: The version of each that can be used: another one after each change.
    versions: dict[str, str] = field(default_factory=dict)


class Subscribers:
    """Adds, changes and removes subscribers. URLs, secrets and options are encrypted; the rest is plain text."""

    def __init__(self, client: Any, keys: Sequence[str]) -> None:
        self._client = client
        self._encryptor = Encryptor(keys)

    def load(self) -> Register:
        """Return all subscribers."""
        pipeline = self._client.pipeline()
        pipeline.hget(LEDGER, CHANGES)
        pipeline.hgetall(SUBSCRIBERS)
        changes, stored = pipeline.execute()
        register = Register(int(changes or 0))
        for raw, document in sorted(stored.items()):
            name = raw.decode()
            try:
                register.specs[name] = self._unpack(name, json.loads(document))
                register.versions[name] = _version_of(document)
            except LegworkError as error:
                register.unusable[name] = str(error)
        return register

    def need_key(self) -> None:
        """Raise Locked if there is no key, without which none can be added."""
        self._encryptor.encrypt("")

    def add(self, spec: SinkSpec) -> None:
        """Add a subscriber. Raises NameTaken, Locked."""
        pipeline = self._client.pipeline()
        pipeline.hsetnx(SUBSCRIBERS, spec.name, self._pack(spec))
        pipeline.hincrby(LEDGER, CHANGES, 1)
        pipeline.hdel(REMOVED_SINKS, spec.name)
        if not pipeline.execute()[0]:
            raise NameTaken(f"there is a sink called {spec.name}: give another name, or remove that one")

    def change(self, name: str, how: Callable[[SinkSpec], SinkSpec], *, version: str | None = None) -> bool:
        """Replace a subscriber with the result of `how`; return False if there is none of that name.

        If another process changed it meanwhile, `how` is called again. Raises ChangedMeanwhile if it is not at `version` (None:
        any will do), Locked, and whatever `how` raises.
        """

        def put(pipeline: Any) -> bool:
            stored = pipeline.hget(SUBSCRIBERS, name)
            if stored is None:
                return False
            if version not in {None, _version_of(stored)}:
                raise ChangedMeanwhile(f"{name} was changed meanwhile: look at it again, and repeat your change")
            before = self._unpack(name, json.loads(stored))
            after = how(before)
            pipeline.multi()
            if after == before:  # the version stays, and nobody has to load it again
                return True
            pipeline.hset(SUBSCRIBERS, name, self._pack(after))
            pipeline.hincrby(LEDGER, CHANGES, 1)
            return True

        return bool(self._client.transaction(put, SUBSCRIBERS, value_from_callable=True))

    def remove(self, name: str, *, now_ms: float) -> bool:
        """Remove a subscriber; return False if there was none. `purging.purge` drops its pending deliveries."""
        pipeline = self._client.pipeline()
        pipeline.hdel(SUBSCRIBERS, name)
        pipeline.hincrby(LEDGER, CHANGES, 1)
        # Workers that have not loaded the change may still put records on its backlog: dispatchers clear it for a while.
        pipeline.hset(REMOVED_SINKS, name, round(now_ms))
        pipeline.hdel(SINKS, name)
        pipeline.hdel(SINK_RUNS, name)
        return bool(pipeline.execute()[0])

    def removed(self) -> dict[str, float]:
        """Return the recently removed sinks, and when (milliseconds of Redis's clock)."""
        return {name.decode(): float(at) for name, at in self._client.hgetall(REMOVED_SINKS).items()}

    def forget_removed(self, name: str) -> None:
        """Stop clearing up after a removed sink."""
        self._client.hdel(REMOVED_SINKS, name)

    def _pack(self, spec: SinkSpec) -> str:
        sealed = {"url": spec.url, "secrets": spec.secrets, "options": dict(spec.options)}
        return json.dumps(
            {
                "version": _VERSION,
                "types": spec.types,
                "accounts": spec.accounts,
                "filter": spec.filter,
                "projection": spec.projection,
                "rate": None if spec.rate is None else str(spec.rate),
                "concurrency": spec.concurrency,
                "sealed": self._encryptor.encrypt(json.dumps(sealed)),
            }
        )

    def _unpack(self, name: str, document: dict[str, Any]) -> SinkSpec:
        if document["version"] != _VERSION:
            raise Locked(f"it was added by another version of Legwork (its form is {document['version']})")
        sealed = json.loads(self._encryptor.decrypt(document["sealed"]))
        return SinkSpec(
            name=name,
            url=sealed["url"],
            secrets=tuple(sealed["secrets"]),
            types=tuple(document["types"]),
            accounts=tuple(document["accounts"]),
            filter=document["filter"],
            projection=document["projection"],
            rate=None if document["rate"] is None else RateLimit().read(document["rate"]),
            concurrency=document["concurrency"],
            options=sealed["options"],
        )


def _version_of(stored: bytes) -> str:
    """Return the version of a stored subscriber. Its secrets are encrypted anew at each change, so it tells nothing of them."""
    return hashlib.sha256(stored).hexdigest()[:16]
