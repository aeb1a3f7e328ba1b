"""Authorises callbacks: by the token in the URL, and by the sender's network."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from schemas.addresses import read_address

if TYPE_CHECKING:
    from collections.abc import Sequence
    from ipaddress import IPv4Network, IPv6Network

    from schemas.settings import Account


def account_for(token: str, accounts: Sequence[Account]) -> Account | None:
    """Return the account whose callback token this is.

    Every token of every account is compared, each in constant time, so that response times reveal nothing about any of them.
    """
    given, found = token.encode(), None
    for account in accounts:
        for known in account.callback_tokens:
            if hmac.compare_digest(given, known.encode()):
                found = account
    return found


def is_allowed(address: str | None, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    """May this address post callbacks? Without networks, all may. An IPv4-mapped IPv6 address counts as IPv4."""
    if not networks:
        return True
    caller = read_address(address or "")
    return caller is not None and any(caller in network for network in networks)
