"""Makes the HTTP session that a webhook sink sends with: whom it trusts, where it may go, and what it does not remember."""

from __future__ import annotations

import ssl
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from worker.errors import PermanentFailure
from worker.http.client import Session
from worker.sinks.egress import EVERYWHERE, EgressAdapter

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests


def new_session(options: Mapping[str, Any]) -> requests.Session:
    """Make a session for one thread, by the options of a webhook sink."""
    session = Session()
    # A proxy of the environment would connect in our place, and not look where to.
    session.trust_env = False
    session.verify = options["ca_file"] or True
    session.headers["User-Agent"] = f"legwork/{version('legwork')}"
    for scheme in ("https://", "http://"):
        session.mount(scheme, EgressAdapter(EVERYWHERE if options["allow_private"] else options["allow_networks"]))
    return session


def check_ca_file(file: str) -> None:
    """Raise PermanentFailure unless the file holds certificates. Each connection reads it anew."""
    try:
        found = ssl.create_default_context(cafile=file).cert_store_stats()["x509"]
    except ssl.SSLError:
        found = 0
    except OSError as error:
        raise PermanentFailure(f"ca_file: {file} cannot be read ({error.strerror}); name a file that can be") from None
    if not found:
        raise PermanentFailure(f"ca_file: {file} holds no certificate; name a file of certificates in PEM")
