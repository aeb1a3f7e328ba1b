"""Create the HTTP session of a webhook sink: trusted certificates, allowed addresses, no cookies."""

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
    """Return a session for one thread, by the options of a webhook sink."""
    session = Session()
    # A proxy from the environment would make the connection itself, without checking the address.
    session.trust_env = False
    session.verify = options["ca_file"] or True
    session.headers["User-Agent"] = f"legwork/{version('legwork')}"
    for scheme in ("https://", "http://"):
        session.mount(scheme, EgressAdapter(EVERYWHERE if options["allow_private"] else options["allow_networks"]))
    return session


def check_ca_file(file: str) -> None:
    """Raise PermanentFailure unless the file contains certificates. Each connection reads it again."""
    try:
        found = ssl.create_default_context(cafile=file).cert_store_stats()["x509"]
    except ssl.SSLError:
        found = 0
    except OSError as error:
        raise PermanentFailure(f"ca_file: {file} cannot be read ({error.strerror}); name a file that can be") from None
    if not found:
        raise PermanentFailure(f"ca_file: {file} holds no certificate; name a file of certificates in PEM")
