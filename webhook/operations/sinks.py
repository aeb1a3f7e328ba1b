"""Operations on sinks at run time, shared by the command line, the API and the console."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import redis
from marshmallow import ValidationError

from schemas.settings.document import nearest
from schemas.settings.sinks import LONGEST_NAME
from schemas.subscriber_change import changed_by
from webhook.operations.redaction import discreet
from webhook.operations.sink_checks import ON_COMMAND_LINE, check_spec, is_reached_otherwise, reach
from webhook.operations.sink_view import describe, just_added, ping, stands_in_settings, unusable_sink
from worker.encryption import Locked
from worker.errors import LegworkError
from worker.ledger.operations.bringing_forward import bring_forward
from worker.ledger.operations.purging import purge, waiting_for
from worker.ledger.operations.replaying import Replay, Wanted, calls_between
from worker.ledger.registry.subscribers import NameTaken
from worker.sinks import check, open_sink
from worker.sinks.boundary import as_failures, close
from worker.sinks.http import HttpSink
from worker.sinks.signing import new_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from schemas.settings import SinkSpec
    from worker.ledger import Ledger
    from worker.ledger.operations.replaying import KnownCall, Tally
    from worker.sinks.exchange import Exchange

# All of them sign, so that a subscriber may take weeks for a rotation.
_MOST_SECRETS = 4


class NoSuchSink(LegworkError):
    """Raised if there is no sink of that name, or the operation does not apply to it; the message lists the sinks."""


class SinkInSettings(LegworkError):
    """Raised if a sink cannot be changed at run time because the settings define it."""


class SinkDisabled(LegworkError):
    """Raised if nothing can be delivered to a sink because it is disabled; the message says how to enable it."""


class SinkOperations:
    """The sinks of one ledger. Every method raises redis.RedisError if Redis is unreachable."""

    def __init__(self, ledger: Ledger, *, allowed_by: str = ON_COMMAND_LINE) -> None:
        self._ledger = ledger
        self._allowed_by = allowed_by

    def descriptions(self) -> list[dict[str, Any]]:
        """Describe every sink: those of the settings, those added, and those added that no key of this process decrypts."""
        self._ledger.refresh_sinks()
        found = describe(self._ledger, list(self._ledger.sinks.values()))
        return found + [unusable_sink(name, reason) for name, reason in self._ledger.register.unusable.items()]

    def describe(self, name: str) -> dict[str, Any]:
        """Describe a sink, even one that no key of this process decrypts. Raises NoSuchSink."""
        self._ledger.refresh_sinks()
        unusable = self._ledger.register.unusable
        if name in unusable and name not in self._ledger.sinks:
            return unusable_sink(name, unusable[name])
        (described,) = describe(self._ledger, [self.spec(name)])
        return described

    def add(self, spec: SinkSpec, *, unchecked: bool = False) -> tuple[dict[str, Any], str]:
        """Add a subscriber; return its description and the secret made for it ('' if it has its own), shown only this once.

        Raises ValidationError by key; NameTaken; Locked. Unless `unchecked`, it also raises ValidationError if nothing answers
        at the URL, the certificate is invalid, or the address is private.
        """
        self._ledger.refresh_sinks()
        if spec.name in self._ledger.sinks:
            raise NameTaken(f"there is a sink called {spec.name}: give another name")
        self._ledger.subscribers.need_key()
        check_spec(self._ledger, spec)
        if not unchecked:
            reach(spec, self._allowed_by)
        made = "" if spec.secrets else new_secret()
        self._ledger.subscribers.add(replace(spec, secrets=spec.secrets or (made,)))
        try:
            return self.describe(spec.name), made
        except redis.RedisError:
            # The sink was stored. An error would hide the secret from the caller for ever.
            return just_added(spec), made

    def would_drop(self, name: str) -> int:
        """Count the waiting deliveries that `remove` would drop. Raises NoSuchSink when `remove` would."""
        self._ledger.refresh_sinks()
        if stands_in_settings(self._ledger, name):
            raise NoSuchSink(f"{name} is defined in the settings: take it out of SINKS or legwork.toml, and restart")
        waiting = self.waiting_for(name)
        known = name in self._ledger.sinks or name in self._ledger.register.unusable
        if not known and not waiting:
            raise self._no_such(name)
        return waiting

    def remove(self, name: str) -> int:
        """Remove a subscriber and drop its waiting deliveries; return their number.

        Of a sink that has left the settings, it drops the waiting deliveries. Raises NoSuchSink.
        """
        self.would_drop(name)
        self._ledger.subscribers.remove(name, now_ms=self._ledger.now_ms())
        self._ledger.refresh_sinks()
        return purge(self._ledger, name)

    def waiting_for(self, name: str) -> int:
        """Count the waiting deliveries for this name, whether the sink still exists or not."""
        return waiting_for(self._ledger, name)

    def disable(self, name: str, reason: str = "by the operator") -> bool:
        """Disable a sink; its deliveries wait until it is enabled. False if it was disabled already. Raises NoSuchSink."""
        return self._ledger.disable_sink(self.spec(name).name, reason)

    def enable(self, name: str) -> bool:
        """Enable a sink, with its count of failures reset; False if it was active already. Raises NoSuchSink."""
        return self._ledger.enable_sink(self.spec(name).name)

    def retry(self, name: str) -> int:
        """Make all that waits for a sink due now; return how many deliveries were due later.

        Attempts already made still count. Raises NoSuchSink, Locked, SinkDisabled.
        """
        sink = self.spec(name).name
        if self._ledger.sink_states().get(sink, {}).get("state") == "disabled":
            raise SinkDisabled(f"the sink {sink} is disabled; `legwork sinks enable {sink}` enables it")
        return bring_forward(self._ledger, sink)

    def rotate_secret(self, name: str) -> str:
        """Add a new signing secret to the existing ones; return it, this once. Raises NoSuchSink, Locked, ValidationError."""
        made = new_secret()

        def sign_with_it_too(spec: SinkSpec) -> SinkSpec:
            if len(spec.secrets) >= _MOST_SECRETS:
                text = f"has {_MOST_SECRETS} already; finish the rotation before the next one"
                raise ValidationError({"secret": [text]})
            return replace(spec, secrets=(made, *spec.secrets))

        self._change(name, sign_with_it_too)
        return made

    def finish_rotation(self, name: str) -> int:
        """Keep only the newest secret; return how many were removed. Raises NoSuchSink, Locked."""
        before: list[SinkSpec] = []

        def sign_with_the_newest(spec: SinkSpec) -> SinkSpec:
            before[:] = [spec]
            return replace(spec, secrets=spec.secrets[:1])

        self._change(name, sign_with_the_newest)
        return len(before[0].secrets) - 1

    def update(
        self, name: str, change: Mapping[str, Any], *, version: str | None = None, unchecked: bool = False
    ) -> dict[str, Any]:
        """Change keys of a subscriber (see `schemas.subscriber_change`); return its description.

        Its secrets, its counters and what waits for it stay. Raises NoSuchSink; SinkInSettings; ChangedMeanwhile if it is not
        at `version`; Locked; and ValidationError by key, unless `unchecked` also if nothing answers at a new URL.
        """
        before = self.spec(name)
        if stands_in_settings(self._ledger, name):
            raise SinkInSettings(f"{name} is defined in the settings: change it in SINKS or legwork.toml, and restart")

        def changed(spec: SinkSpec) -> SinkSpec:
            after = changed_by(change, spec)
            check_spec(self._ledger, after)
            return after

        after = changed(before)
        if not unchecked and is_reached_otherwise(before, after):
            reach(after, self._allowed_by)
        self._change(name, changed, version)
        return self.describe(name)

    def _change(self, name: str, how: Callable[[SinkSpec], SinkSpec], version: str | None = None) -> None:
        """Change a subscriber atomically. Raises NoSuchSink, ChangedMeanwhile, Locked."""
        changed = self._ledger.subscribers.change(self._added(name).name, how, version=version)
        with suppress(redis.RedisError):  # the change is stored; the next refresh reads it
            self._ledger.refresh_sinks()
        if not changed:  # it was removed a moment ago
            raise self._no_such(name)

    def test(self, name: str) -> Exchange | str:
        """Send a webhook a signed `legwork.ping` now, and return the exchange without the sink's secrets.

        For other sinks, return the result of their own check. Raises NoSuchSink, Locked, and LegworkError or OSError from it.
        """
        spec = self.spec(name)
        sink = open_sink(spec)
        try:
            if not isinstance(sink, HttpSink):
                return check(sink)
            with as_failures(spec):
                return discreet(sink.exchange(ping(self._ledger, spec)), spec)
        finally:
            close(sink)

    def recover(self, name: str, spans: dict[str, tuple[float, float]], *, dry_run: bool = False) -> Iterator[Tally]:
        """Deliver what the sink never received of the calls decided in these time spans, by account (see `calls_between`).

        Yields first the count of what there is to do, then page by page what was done. Enables the sink. Raises NoSuchSink.
        """
        spec = self.spec(name)
        plan = Replay(self._ledger, Wanted(sink=spec.name, only_missing=True))
        yield plan.survey(self._calls(spec, spans))
        if not dry_run:
            self._ledger.enable_sink(spec.name)
            for _, done in plan.run(self._calls(spec, spans)):
                yield done

    def _calls(self, spec: SinkSpec, spans: dict[str, tuple[float, float]]) -> Iterable[KnownCall]:
        of_sink = {sid: span for sid, span in spans.items() if not spec.accounts or sid in spec.accounts}
        return calls_between(self._ledger, of_sink)

    def spec(self, name: str) -> SinkSpec:
        """Return a sink's specification. Raises NoSuchSink, and Locked if no key of this process decrypts it."""
        self._ledger.refresh_sinks()
        spec = self._ledger.sinks.get(name)
        if spec is None:
            raise self._no_such(name)
        return spec

    def _added(self, name: str) -> SinkSpec:
        spec = self.spec(name)
        if stands_in_settings(self._ledger, name):
            raise NoSuchSink(f"{name} is defined in the settings: change its secret there, and restart")
        return spec

    def _no_such(self, name: str) -> LegworkError:
        if name in self._ledger.register.unusable:
            return Locked(f"{name}: {self._ledger.register.unusable[name]}")
        known = sorted(self._ledger.sinks)
        # A name from a URL may be thousands of characters long.
        shown = name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"
        return NoSuchSink(
            f"there is no sink called {shown}{nearest(shown, known)}; there are {', '.join(known) or 'none'}"
        )
