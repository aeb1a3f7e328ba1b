"""What can be done about sinks while all is running: the command line, the API and the console do it by this."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from marshmallow import ValidationError

from schemas.settings.document import nearest
from schemas.settings.sinks import LONGEST_NAME
from schemas.times import write_milliseconds
from webhook.discretion import discreet, where
from worker.errors import LegworkError
from worker.ledger.purging import purge, waiting_for
from worker.ledger.replaying import Replay, Wanted, calls_between
from worker.ledger.standing import sink_standing
from worker.ledger.subscribers import NameTaken
from worker.shape import shaped
from worker.sinks import BadSink, kind_of, sink_for
from worker.sinks.http import HttpSink
from worker.sinks.signing import new_secret, public_key
from worker.vault import Locked
from worker.workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from schemas.settings import SinkSpec
    from worker.ledger import Ledger
    from worker.ledger.replaying import KnownCall, Tally
    from worker.sinks.exchange import Exchange

# All of them sign, so that a subscriber may take weeks over a rotation.
_MOST_SECRETS = 4
# Where a sink comes from.
_FROM_SETTINGS, _ADDED = "settings", "added"


class NoSuchSink(LegworkError):
    """Raised when there is no sink of that name, or none that this can be done to; the message says which there are."""


class SinkDesk:
    """The sinks of one ledger. Every method raises redis.RedisError when that is out of reach."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def descriptions(self) -> list[dict[str, Any]]:
        """Describe every sink: those of the settings, those added, and those added that no key here decrypts."""
        self._ledger.refresh_sinks()
        states = self._ledger.sink_states()
        found = [self._describe(spec, states) for spec in self._ledger.sinks.values()]
        return found + [_unusable(name, reason) for name, reason in self._ledger.register.unusable.items()]

    def describe(self, name: str) -> dict[str, Any]:
        """Describe one, which may be one that no key here decrypts. Raises NoSuchSink."""
        self._ledger.refresh_sinks()
        unusable = self._ledger.register.unusable
        if name in unusable and name not in self._ledger.sinks:
            return _unusable(name, unusable[name])
        return self._describe(self.spec(name), self._ledger.sink_states())

    def reach(self, spec: SinkSpec) -> str:
        """Find out whether somebody answers at a subscriber's URL, without sending a record; returns a word about it.

        Raises ValidationError: nobody is there, the certificate does not hold, the address is private.
        """
        self._check(spec)
        sink = sink_for(spec)
        sink.open()
        try:
            return sink.check()
        except (LegworkError, OSError) as error:
            raise ValidationError({"url": [f"{where(spec.url)}: {error}"]}) from error
        finally:
            sink.close()

    def add(self, spec: SinkSpec) -> tuple[dict[str, Any], str]:
        """Add a subscriber; returns what it is, and the secret made for it, which is shown this once ('' if it has its own).

        Raises ValidationError by key, NameTaken, Locked.
        """
        self._ledger.refresh_sinks()
        if spec.name in self._ledger.sinks:
            raise NameTaken(f"there is a sink called {spec.name}: give another name")
        self._check(spec)
        made = "" if spec.secrets else new_secret()
        self._ledger.subscribers.add(replace(spec, secrets=spec.secrets or (made,)))
        return self.describe(spec.name), made

    def would_drop(self, name: str) -> int:
        """Count what waits for a sink, and would be dropped with it. Raises NoSuchSink where `remove` would."""
        self._ledger.refresh_sinks()
        if self._stands_in_settings(name):
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
        spec = self._added(name)
        if len(spec.secrets) >= _MOST_SECRETS:
            raise ValidationError({"secret": [f"has {_MOST_SECRETS} already; finish the rotation before the next one"]})
        made = new_secret()
        self._ledger.subscribers.change(replace(spec, secrets=(made, *spec.secrets)))
        self._ledger.refresh_sinks()
        return made

    def finish_rotation(self, name: str) -> int:
        """Sign with the newest secret alone; returns how many are out of use now. Raises NoSuchSink, Locked."""
        spec = self._added(name)
        self._ledger.subscribers.change(replace(spec, secrets=spec.secrets[:1]))
        self._ledger.refresh_sinks()
        return len(spec.secrets) - 1

    def test(self, name: str) -> Exchange | str:
        """Send a webhook a signed `legwork.ping` now, and return all that came of it, but for the sink's secrets.

        Of another sink, return its own check's word. Raises NoSuchSink, Locked, and LegworkError or OSError from the check.
        """
        spec = self.spec(name)
        sink = sink_for(spec)
        sink.open()
        try:
            if not isinstance(sink, HttpSink):
                return sink.check()
            return discreet(sink.exchange(self._ping(spec)), spec)
        finally:
            sink.close()

    def recover(self, name: str, spans: dict[str, tuple[float, float]], *, dry_run: bool = False) -> Iterator[Tally]:
        """Deliver what the sink never got of the calls decided in these spans of time, by account (see `calls_between`).

        Yields first the count of what there is to do, then page by page what was done. Enables the sink. Raises NoSuchSink.
        """
        spec = self.spec(name)
        wanted = Wanted(Workshop(self._ledger.settings, self._ledger, {}).sinks_for, sink=spec.name, only_missing=True)
        plan = Replay(self._ledger, wanted)
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
        if self._stands_in_settings(name):
            raise NoSuchSink(f"{name} stands in the settings: change its secret there, and restart")
        return spec

    def _stands_in_settings(self, name: str) -> bool:
        # A subscriber of the same name, added before the settings had it, is out of use while they have.
        return any(spec.name == name for spec in self._ledger.settings.sinks)

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
            kind_of(spec.url)(spec).open()
        except ValidationError as error:
            messages = error.normalized_messages()  # type: ignore[no-untyped-call]
            of_options = {name: texts for name, texts in messages.items() if name not in {"url", "secret"}}
            of_keys = {name: texts for name, texts in messages.items() if name in {"url", "secret"}}
            raise ValidationError({**of_keys, **({"options": of_options} if of_options else {})}) from error
        except (BadSink, LegworkError, OSError) as error:
            raise ValidationError({"options": [str(error)]}) from error

    def _describe(self, spec: SinkSpec, states: dict[str, dict[str, Any]]) -> dict[str, Any]:
        standing = sink_standing(self._ledger, spec.name, states)
        state = states.get(spec.name, {})
        return {
            "name": spec.name,
            "source": _FROM_SETTINGS if self._stands_in_settings(spec.name) else _ADDED,
            "where": where(spec.url),
            "types": list(spec.types),
            "accounts": list(spec.accounts),
            "filter": spec.filter,
            "projection": spec.projection,
            "rate": None if spec.rate is None else str(spec.rate),
            "concurrency": spec.concurrency,
            "secrets": len(spec.secrets),
            "public_keys": _public_keys(spec),
            "state": standing.state,
            "reason": standing.reason,
            "since": None if "since" not in state else write_milliseconds(state["since"]),
            "waiting": standing.waiting,
            "delivered": standing.delivered,
            "dead": standing.dead,
        }

    def _ping(self, spec: SinkSpec) -> dict[str, Any]:
        """Make a record that says nothing, in the shape that the sink gets."""
        now_ms = self._ledger.now_ms()
        account_sid = spec.accounts[0] if spec.accounts else next(iter(self._ledger.calls))
        known_as = hashlib.sha256(f"{spec.name} {now_ms:.3f}".encode()).hexdigest()
        event = {
            "specversion": "1.0",
            "id": f"evt_{known_as[:40]}",
            "source": f"/exotel/accounts/{account_sid}",
            "type": "legwork.ping",
            "subject": spec.name,
            "time": write_milliseconds(now_ms),
            "datacontenttype": "application/json",
            "data": {"account_sid": account_sid, "sink": spec.name},
        }
        try:
            return shaped(spec, event)
        except LegworkError:  # a projection made for calls may fail on this; the sink is there all the same
            return event


def _unusable(name: str, reason: str) -> dict[str, Any]:
    return {"name": name, "source": _ADDED, "state": "unusable", "reason": reason}


def _public_keys(spec: SinkSpec) -> list[str]:
    """Return what goes with its private keys. Of one that is wrong, `legwork check` tells; a list is shown all the same."""
    found = []
    for secret in spec.secrets:
        if secret.startswith("whsk_"):
            with suppress(ValidationError):
                found.append(public_key(secret))
    return found
