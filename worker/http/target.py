"""Return a request's target: path and query, as written in the URL."""

from __future__ import annotations

import re
from urllib.parse import quote

#: The pseudo-header that carries a target through requests and urllib3, which would rewrite it; no real header's name.
TARGET = ":target"

# The characters that a URL may contain (RFC 3986, 2.2), and any %.
_LEFT_ALONE = "!$%&'()*+,/:;=?@[]~"
_AFTER_THE_HOST = re.compile(r"[^:/?#]+://[^/?#]*([^#]*)", re.DOTALL)


def target_of(url: str) -> str:
    """Return path and query of an absolute URL unchanged: they may be signed.

    Only characters that a URL may not contain (spaces, quotes, `<>^{|}`, backticks, backslashes, non-ASCII) are
    percent-encoded as UTF-8, since many servers refuse them. Raises ValueError for a relative URL or an unpaired surrogate.
    """
    found = _AFTER_THE_HOST.match(url)
    if found is None:
        raise ValueError("no absolute URL")
    target = quote(found[1], safe=_LEFT_ALONE)
    return target if target.startswith("/") else f"/{target}"
