"""Somebody at the console: a browser of their own, as far as cookies and forms go."""

from __future__ import annotations

import re
from html import unescape

from cli_kit import settle
from factories import ACCOUNT, make_callback

PASSWORD = "a long enough password"
HOME, ABROAD = "http://localhost", "https://legwork.example"
PAGES = ["/", "/calls", "/reports/hours", "/sinks", "/dead", "/accounts"]
SID = "3f9a1c7e5b2d4806a9c1e3f5b7d91a9g"
# The parties of the record that `settle` makes, and of no other text.
NUMBERS = ["+919000000001", "+919000000002", "+919000000003", "09000000001", "09000000002", "09000000003"]


class Person:
    """Reads pages and presses their buttons."""

    def __init__(self, web, *, at=HOME, address="127.0.0.1"):
        self.browser = web.app.test_client()
        self.at = at
        self.address = address

    def open(self, method, path, **options):
        headers = {"Accept": "text/html,application/xhtml+xml", **options.pop("headers", {})}
        environ = {"REMOTE_ADDR": self.address}
        # Buffered: a file that is served is closed again.
        options |= {"base_url": self.at, "headers": headers, "environ_overrides": environ, "buffered": True}
        return self.browser.open(path, method=method, **options)

    def read(self, path="/", **options):
        return self.open("GET", path, **options)

    def token(self, on="/calls"):
        """What the forms of a page bring along."""
        return re.search(r'name="token" value="([^"]+)"', self.read(on).text)[1]

    def press(self, path, *, on="/calls", **fields):
        """Press a button on a page that has forms."""
        return self.open("POST", path, data={"token": self.token(on), **fields})

    def sign_in(self, password=PASSWORD, wanted="/"):
        return self.press("/sign-in", on="/sign-in", password=password, wanted=wanted)

    def follow(self, answer):
        assert answer.status_code == 303, answer.text
        return self.read(answer.location)


def words_of(answer):
    """The text of a page as a person reads it."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def messages(answer, role):
    """The texts of a page's messages to its reader: `status` is read out when there is time, `alert` at once."""
    found = re.findall(rf'<p([^>]*) role="{role}"([^>]*)>(.*?)</p>', answer.text, re.DOTALL)
    return [unescape(text) for before, after, text in found if "hidden" not in before + after]


def successes(answer):
    """The texts of a page's green messages."""
    return [unescape(text) for text in re.findall(r'<p class="success"[^>]*>(.*?)</p>', answer.text, re.DOTALL)]


def admit(web, *sids, **params):
    for sid in sids:
        web.ledger.calls[ACCOUNT].admit(make_callback(sid, **params), wait_seconds=60)


def settle_calls(web, *sids, **verdict):
    for sid in sids:
        settle(web.ledger, sid, **verdict)


def bury_delivery(web, call_sid=SID, sink="stdout", answer="503: no room"):
    """Let a delivery of a call be given up on."""
    book = web.ledger.deliveries[ACCOUNT, sink]
    leases = book.backlog.lease(10)
    lease = next(lease for lease in leases if lease.item.startswith(call_sid))
    owed = book.claim(lease)
    assert book.bury(owed, answer)
