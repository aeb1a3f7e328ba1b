"""What can be done about sinks while all is running: the command line, the API and the console do it by this."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import redis
from marshmallow import ValidationError

from schemas.settings.document import nearest
from schemas.settings.sinks import LONGEST_NAME
from schemas.urls import place_of
from webhook.operations.redaction import discreet
from webhook.operations.sink_view import describe, just_added, ping, stands_in_settings, unusable_sink
from worker.encryption import Locked
from worker.errors import LegworkError
from worker.ledger.operations.purging import purge, waiting_for
from worker.ledger.operations.replaying import Replay, Wanted, calls_between
from worker.ledger.registry.subscribers import NameTaken
from worker.sinks import check, kind_of, open_sink
from worker.sinks.boundary import as_failures, close
from worker.sinks.http import HttpSink
from worker.sinks.signing import new_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from schemas.settings import SinkSpec
    from worker.ledger import Ledger
    from worker.ledger.operations.replaying import KnownCall, Tally
    from worker.sinks.exchange import Exchange

# All of them sign, so that a subscriber may take weeks over a rotation.
_MOST_SECRETS = 4


class NoSuchSink(LegworkError):
    """Raised when there is no sink of that name, or none that this can be done to; the message says which there are."""


class SinkOperations:
    """The sinks of one ledger. Every method raises redis.RedisError when that is out of reach."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def descriptions(self) -> list[dict[str, Any]]:
        """Describe every sink: those of the settings, those added, and those added that no key here decrypts."""
        self._ledger.refresh_sinks()
        found = describe(self._ledger, list(self._ledger.sinks.values()))
        return found + [unusable_sink(name, reason) for name, reason in self._ledger.register.unusable.items()]

    def describe(self, name: str) -> dict[str, Any]:
        """Describe one, which may be one that no key here decrypts. Raises NoSuchSink."""
        self._ledger.refresh_sinks()
        unusable = self._ledger.register.unusable
        if name in unusable and name not in self._ledger.sinks:
            return unusable_sink(name, unusable[name])
        (described,) = describe(self._ledger, [self.spec(name)])
        return described

    def add(self, spec: SinkSpec, *, unchecked: bool = False) -> tuple[dict[str, Any], str]:
        """Add a subscriber; returns what it is, and the secret made for it, which is shown this once ('' if it has its own).

        Raises ValidationError by key, which it does too, unless `unchecked`, where nobody answers at its URL, the
        certificate does not hold, or the address is private; NameTaken; Locked.
        """
        self._ledger.refresh_sinks()
        if spec.name in self._ledger.sinks:
            raise NameTaken(f"there is a sink called {spec.name}: give another name")
        self._ledger.subscribers.need_key()
        self._check(spec)
        if not unchecked:
            _reach(spec)
        made = "" if spec.secrets else new_secret()
        self._ledger.subscribers.add(replace(spec, secrets=spec.secrets or (made,)))
        try:
            return self.describe(spec.name), made
        except redis.RedisError:
            # It was there a moment ago. Whoever was told that nothing was done would never see the secret.
            return just_added(spec), made

    def would_drop(self, name: str) -> int:
        """Count what waits for a sink, and would be dropped with it. Raises NoSuchSink where `remove` would."""
        self._ledger.refresh_sinks()
        if stands_in_settings(self._ledger, name):
            raise NoSuchSink(f"{name} stands in the settings: take it out of SINKS or legwork.toml, and restart")
        waiting = self.waiting_for(name)
        known = name in self._ledger.sinks or name in self._ledger.register.unusable
        if not known and not waiting:
            raise self._no_such(name)
        return waiting

    def remove(self, name: str) -> int:
        """Take a subscriber out, and drop what waits for it; returns how many deliveries that were.

        One that has left the settings can be removed too: only what waits for it is left of it. Raises NoSuchSink.
        """
        self.would_drop(name)
        self._ledger.subscribers.remove(name, now_ms=self._ledger.now_ms())
        self._ledger.refresh_sinks()
        return purge(self._ledger, name)

    def waiting_for(self, name: str) -> int:
        """Count what waits for a sink, whether there is one of that name or not."""
        return waiting_for(self._ledger, name)

    def disable(self, name: str, reason: str = "by the operator") -> bool:
        """Deliver nothing to it until it is enabled; what waits for it is kept. False if it was. Raises NoSuchSink."""
        return self._ledger.disable_sink(self.spec(name).name, reason)

    def enable(self, name: str) -> bool:
        """Deliver to it again, as if nothing had been; False if it was active. Raises NoSuchSink."""
        return self._ledger.enable_sink(self.spec(name).name)

    def rotate_secret(self, name: str) -> str:
        """Sign with a new secret besides those there are; returns it, this once. Raises NoSuchSink, Locked, ValidationError."""
        made = new_secret()

        def sign_with_it_too(spec: SinkSpec) -> SinkSpec:
            if len(spec.secrets) >= _MOST_SECRETS:
                text = f"has {_MOST_SECRETS} already; finish the rotation before the next one"
                raise ValidationError({"secret": [text]})
            return replace(spec, secrets=(made, *spec.secrets))

        self._change(name, sign_with_it_too)
        return made

    def finish_rotation(self, name: str) -> int:
        """Sign with the newest secret alone; returns how many are out of use now. Raises NoSuchSink, Locked."""
        before: list[SinkSpec] = []

        def sign_with_the_newest(spec: SinkSpec) -> SinkSpec:
            before[:] = [spec]
            return replace(spec, secrets=spec.secrets[:1])

        self._change(name, sign_with_the_newest)
        return len(before[0].secrets) - 1

    def _change(self, name: str, how: Callable[[SinkSpec], SinkSpec]) -> None:
        """Change a subscriber, whoever else is at it. Raises NoSuchSink, Locked."""
        changed = self._ledger.subscribers.change(self._added(name).name, how)
        with suppress(redis.RedisError):  # it is done; whoever looks next learns of it
            self._ledger.refresh_sinks()
        if not changed:  # it was removed a moment ago
            raise self._no_such(name)

    def test(self, name: str) -> Exchange | str:
        """Send a webhook a signed `legwork.ping` now, and return all that came of it, but for the sink's secrets.

        Of another sink, return its own check's word. Raises NoSuchSink, Locked, and LegworkError or OSError from the check.
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
        """Deliver what the sink never got of the calls decided in these spans of time, by account (see `calls_between`).

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
        """Return a sink as it was asked for. Raises NoSuchSink, and Locked where no key here decrypts it."""
        self._ledger.refresh_sinks()
        spec = self._ledger.sinks.get(name)
        if spec is None:
            raise self._no_such(name)
        return spec

    def _added(self, name: str) -> SinkSpec:
        spec = self.spec(name)
        if stands_in_settings(self._ledger, name):
            raise NoSuchSink(f"{name} stands in the settings: change its secret there, and restart")
        return spec

    def _no_such(self, name: str) -> LegworkError:
        if name in self._ledger.register.unusable:
            return Locked(f"{name}: {self._ledger.register.unusable[name]}")
        known = sorted(self._ledger.sinks)
        # In a URL there may be thousands of characters where a name belongs.
        shown = name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"
        return NoSuchSink(
            f"there is no sink called {shown}{nearest(shown, known)}; there are {', '.join(known) or 'none'}"
        )

    def _check(self, spec: SinkSpec) -> None:
        """Find out what is wrong before it is kept. Raises ValidationError."""
        strangers = [sid for sid in spec.accounts if sid not in self._ledger.calls]
        if strangers:
            known = ", ".join(self._ledger.calls)
            raise ValidationError({"accounts": [f"{', '.join(strangers)}: no such account; there are {known}"]})
        try:
            with as_failures(spec, ValidationError, LegworkError):
                kind_of(spec.url)(spec).open()
        except ValidationError as error:
            messages = error.normalized_messages()  # type: ignore[no-untyped-call]
            of_options = {name: texts for name, texts in messages.items() if name not in {"url", "secret"}}
            of_keys = {name: texts for name, texts in messages.items() if name in {"url", "secret"}}
            raise ValidationError({**of_keys, **({"options": of_options} if of_options else {})}) from error
        except LegworkError as error:
            raise ValidationError({"options": [str(error)]}) from error


def _reach(spec: SinkSpec) -> None:
    """Find out whether somebody answers there, without sending a record. Raises ValidationError."""
    sink = open_sink(spec)
    try:
        check(sink)
    except (LegworkError, OSError) as error:
        raise ValidationError({"url": [f"{place_of(spec.url)}: {error}"]}) from error
    finally:
        close(sink)
