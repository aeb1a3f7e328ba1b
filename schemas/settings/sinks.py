"""Load the sinks: the URLs in SINKS, and the tables in legwork.toml."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from schemas.settings.declare import Variable
from schemas.settings.document import nearest
from schemas.settings.fields import Listed, Matching, WholeNumber
from schemas.settings.model import VARIABLES
from schemas.settings.sink_fields import Expression, RateLimit, RecordTypes
from schemas.settings.specs import SinkSpec
from schemas.settings.urls import SINK_SCHEMES, SinkUrl
from schemas.urls import UnclearUrl, take_apart

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from schemas.settings.document import Document, Table
    from schemas.settings.specs import Account


#: In characters: a name is part of keys, metrics and command lines.
LONGEST_NAME = 64

#: Characters that a generated name leaves for a number that may have to follow it.
ROOM_FOR_NUMBER = 4

#: The keys of [[sinks]]. Any other key is an option, which the sink itself knows.
SINK_KEYS = {
    "name": Variable(
        name="name",
        # `fetch` is shown in place of a sink's name for a call whose fetch failed.
        field=Matching(
            rf"(?!fetch$)[a-z0-9][a-z0-9_-]{{0,{LONGEST_NAME - 1}}}",
            wrong="is not a name",
            right=f"give up to {LONGEST_NAME} small letters, digits, - and _; not `fetch`",
        ),
        meaning="The sink's name in the status, in metrics and in commands. Unique.",
        otherwise="needed",
    ),
    "url": Variable(name="url", field=SinkUrl(), meaning="Where records are sent.", otherwise="needed", secret=True),
    "secret": Variable(
        name="secret",
        field=VARIABLES["sink_secret"].field,
        meaning="The signing secret of a webhook, as `SINK_SECRET`.",
        otherwise="not signed",
        secret=True,
    ),
    "types": Variable(
        name="types",
        field=RecordTypes(),
        meaning="The types of records that the sink receives.",
        otherwise="all",
    ),
    "accounts": Variable(
        name="accounts",
        field=Listed(r"[0-9A-Za-z_-]+", wrong="is not a list of account SIDs", right='give a list such as ["acme1m"]'),
        meaning="The accounts whose records the sink receives.",
        otherwise="all",
    ),
    "filter": Variable(
        name="filter",
        field=Expression(),
        meaning="A JMESPath expression over the record; records for which it is false, null or empty are not sent.",
        otherwise="all records",
    ),
    "projection": Variable(
        name="projection",
        field=Expression(),
        meaning="A JMESPath expression over the record's `data`; the sink receives its result in place of `data`.",
        otherwise="all of `data`",
    ),
    "rate": Variable(
        name="rate",
        field=RateLimit(),
        meaning="Maximum requests to the sink in any second, minute or hour, from all workers together: `10/s`.",
        otherwise="no limit",
    ),
    "concurrency": Variable(
        name="concurrency",
        field=WholeNumber(least=1, most=1000),
        meaning="Maximum concurrent deliveries to the sink, from all workers together.",
        otherwise="half of all threads",
    ),
}


def load_sinks(
    urls: Sequence[str], secrets: tuple[str, ...], accounts: Collection[Account], document: Document
) -> tuple[SinkSpec, ...]:
    """Return the sinks of `urls`, each with a name generated from its URL, and those of the document."""
    described = [_described(table, accounts) for table in document.sinks]
    names = [spec.name for spec in described]
    for index, table in enumerate(document.sinks):
        if names[index] in names[:index]:
            table.problem("name", f"{names[index]!r} is taken; give each sink its own")
    specs = []
    for url in urls:
        signed = url.lower().startswith(("http:", "https:"))
        specs.append(SinkSpec(name=_free_name(url, names), url=url, secrets=secrets if signed else ()))
        names.append(specs[-1].name)
    return (*specs, *described)


def _described(table: Table, accounts: Collection[Account]) -> SinkSpec:
    given = table.read(SINK_KEYS, required=("name", "url"))
    sids = [account.sid for account in accounts if account.sid]
    for sid in given.get("accounts", ()):
        if sid not in sids:
            table.problem("accounts", f"{sid!r} is not an account{nearest(sid, sids)}; give SIDs of accounts")
    return SinkSpec(
        name=given.get("name", ""),
        url=given.get("url", ""),
        secrets=given.get("secret", ()),
        types=given.get("types", ()),
        accounts=given.get("accounts", ()),
        filter=given.get("filter"),
        projection=given.get("projection"),
        rate=given.get("rate"),
        concurrency=given.get("concurrency"),
        options=table.all_but(SINK_KEYS),
    )


def _free_name(url: str, taken: Collection[str]) -> str:
    """Return a name for a sink without one: its kind and host, with a number if that is taken.

    The sink's pending deliveries are stored under its name, so the same URL must give the same name at every start.
    """
    kind, _, rest = url.lower().partition(":")
    kind = kind.partition("+")[0]
    words = f"{kind}-{_host(url.lower()) if kind in SINK_SCHEMES else rest.partition('?')[0]}"
    name = re.sub(r"[^a-z0-9]+", "-", words)[: LONGEST_NAME - ROOM_FOR_NUMBER].strip("-")
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free


def _host(text: str) -> str:
    """Return the host of a URL. Names are shown, so no part of a password may get into them."""
    try:
        address = take_apart(text).address
    except UnclearUrl:  # already reported as a problem
        return ""
    return re.sub(r":[0-9]*$", "", address or "")
