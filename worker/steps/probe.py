"""Ask Exotel whether it accepts an account's credentials: one request about a call that cannot exist, under the quota."""

from __future__ import annotations

import secrets
import time
from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

from worker.errors import AccountSuspended, LegworkError, Throttled
from worker.exotel import ExotelClient
from worker.ledger.registry.account_notes import AccountNotes
from worker.steps.announce import announce

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemas.settings import Account
    from worker.ledger import Ledger
    from worker.ledger.bucket import TokenBucket
    from worker.steps.announce import Announcer

# How long somebody who asks would wait for a token rather than get no answer.
LONGEST_WAIT_SECONDS = 5.0


class Credentials(Enum):
    """What an answer of Exotel says about an account's credentials."""

    ACCEPTED = auto()
    REFUSED = auto()
    #: 429: they may be right, and another program uses the quota.
    THROTTLED = auto()
    #: There was no usable answer.
    UNREACHABLE = auto()
    #: No request was made: there was no token.
    NOT_ASKED = auto()


class Probed(NamedTuple):
    """What came of asking; `text` is Exotel's answer, or why there was no token (see `Grant.why`)."""

    credentials: Credentials
    text: str
    #: When to ask again, if it was not asked.
    wait_seconds: float = 0.0
    #: Whether this ended a suspension.
    has_resumed: bool = False


def probe(ledger: Ledger, account: Account, *, sleep: Callable[[float], None] = time.sleep) -> Probed:
    """Ask Exotel about an account; a suspension ends if it accepts the credentials. Raises redis.RedisError."""
    bucket = ledger.calls[account.sid].bucket
    token = f"probe:{secrets.token_hex(8)}"
    grant = bucket.take(token, max_wait_seconds=LONGEST_WAIT_SECONDS)
    if not grant.taken:
        return Probed(Credentials.NOT_ASKED, grant.why, grant.wait_seconds)
    if grant.wait_seconds > 0:
        sleep(grant.wait_seconds)
        shut_seconds = bucket.still_open(token)
        if shut_seconds > 0:
            return Probed(Credentials.NOT_ASKED, "paused", shut_seconds)
    found = _ask(account, bucket, token)
    if found.credentials is not Credentials.ACCEPTED:
        return found
    AccountNotes(ledger.client, account.sid).note_answer()
    resumed = grant.is_probe and bucket.resume() and grant.ends_suspension
    return found._replace(has_resumed=resumed)


def ask_account(here: Announcer, account: Account) -> Probed:
    """Ask Exotel about an account, and note in its state what it says, as after a fetch. Raises redis.RedisError."""
    found = probe(here.ledger, account)
    if found.credentials is Credentials.REFUSED:
        if here.ledger.calls[account.sid].bucket.suspend(found.text):
            announce(here, account.sid, "account_suspended", reason=found.text)
    elif found.has_resumed:
        announce(here, account.sid, "account_resumed")
    return found


def _ask(account: Account, bucket: TokenBucket, token: str) -> Probed:
    client = ExotelClient(account)
    try:
        return Probed(Credentials.ACCEPTED, client.probe())
    except AccountSuspended as refusal:
        return Probed(Credentials.REFUSED, str(refusal))
    except Throttled as refusal:
        return Probed(Credentials.THROTTLED, str(refusal))
    except LegworkError as failure:
        return Probed(Credentials.UNREACHABLE, str(failure))
    finally:
        client.close()
        bucket.give_back(token)
