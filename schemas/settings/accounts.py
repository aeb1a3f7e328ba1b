"""Load the accounts: the one set by variables, and those in legwork.toml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schemas.settings.declare import Variable
from schemas.settings.fields import Matching
from schemas.settings.model import VARIABLES
from schemas.settings.specs import Account

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.settings.document import Document


#: The variable that corresponds to each key of [[accounts]].
ALIKE = {
    "sid": "exotel_account_sid",
    "api_key": "exotel_api_key",
    "api_token": "exotel_api_token",
    "callback_token": "callback_token",
    "subdomain": "exotel_subdomain",
    "base_url": "exotel_base_url",
    "quota": "exotel_quota",
    "quota_seconds": "exotel_quota_seconds",
    "timezone": "exotel_timezone",
    "timeout_seconds": "exotel_timeout_seconds",
}

#: The required keys of an account; the others have defaults.
REQUIRED = ("sid", "api_key", "api_token", "callback_token")

REGION = Variable(
    name="region",
    field=Matching(r"[A-Z]{2}", wrong="is not a country's code", right="give two capital letters, such as IN"),
    meaning="The country (ISO 3166) whose national numbers are read without a country code.",
    default="IN",
)

ACCOUNT_KEYS = {key: VARIABLES[attribute] for key, attribute in ALIKE.items()} | {"region": REGION}


def load_accounts(
    values: Mapping[str, Any],
    document: Document,
    problems: list[str],
    warnings: list[str],
) -> tuple[Account, ...]:
    """Return every account that is at least partly described.

    `values` holds the valid variables. An account with a problem is built too, with None for what is wrong, so
    that it can be compared with the others: once a problem is recorded, no account is ever used.
    """
    found = []
    if _is_described(values, document, problems, warnings):
        names = {key: variable.name for key, variable in ACCOUNT_KEYS.items()}
        found.append((_account({key: values.get(ALIKE[key]) for key in REQUIRED}, values), names))
    for table in document.accounts:
        table.refuse_all_but(ACCOUNT_KEYS)
        given = table.read(ACCOUNT_KEYS, required=REQUIRED)
        names = {key: f"{table.name}.{key}" for key in ACCOUNT_KEYS}
        found.append((_account(given, values), names))
    _compare(found, problems)
    return tuple(account for account, _ in found)


def _is_described(values: Mapping[str, Any], document: Document, problems: list[str], warnings: list[str]) -> bool:
    """Return whether the variables describe an account. It takes all four; they are required if no account is described."""
    required = {VARIABLES[ALIKE[key]].name: VARIABLES[ALIKE[key]] for key in REQUIRED}
    missing = [name for name in required if values.get(name.lower(), "unusable, but set") is None]
    if missing and (document.accounts or not document.usable):
        # a key or a token may be set because a table refers to it; a SID has no such use
        if values.get("exotel_account_sid"):
            warnings.append(f"EXOTEL_ACCOUNT_SID: does not make an account without {', '.join(missing)}")
        return False
    for name in missing:
        instead = f", or describe the account in {document.name}" if name == "EXOTEL_ACCOUNT_SID" else ""
        problems.append(f"{name}: is not set; {required[name].field.right}{instead}")
    return True


def _account(given: Mapping[str, Any], values: Mapping[str, Any]) -> Account:
    """Return an account made from `given`; optional keys that it lacks come from the variables."""
    merged: dict[str, Any] = {key: values.get(attribute) for key, attribute in ALIKE.items() if key not in REQUIRED}
    if "subdomain" in given:
        merged["base_url"] = None  # the account's own host overrides the general base URL
    merged |= {**dict.fromkeys(REQUIRED), **given}
    subdomain, base_url = merged.pop("subdomain"), merged.pop("base_url")
    return Account(
        base_url=base_url or f"https://{subdomain}",
        callback_tokens=merged.pop("callback_token") or (),
        region=merged.pop("region", REGION.default),
        **merged,
    )


def _compare(found: list[tuple[Account, dict[str, str]]], problems: list[str]) -> None:
    """Add a problem for each SID or callback token that two accounts share: a token tells whose a callback is."""
    sids: set[str] = set()
    tokens: set[str] = set()
    for account, names in found:
        if account.sid and account.sid in sids:
            problems.append(f"{names['sid']}: {account.sid!r} is described twice; describe each account once")
        if tokens.intersection(account.callback_tokens):
            problems.append(f"{names['callback_token']}: is also another account's; give each account its own")
        sids.add(account.sid)
        tokens.update(account.callback_tokens)
