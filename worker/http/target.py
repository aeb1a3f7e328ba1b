"""What a request asks for: path and query, as they are written in the URL."""

from __future__ import annotations

import re
from urllib.parse import quote

#: The header in which a target goes through requests and urllib3, each of which would write it anew; no name of a real one.
TARGET = ":target"

# All that a URL may hold (RFC 3986, 2.2), and a % with whatever stands behind it.
_LEFT_ALONE = "!$%&'()*+,/:;=?@[]~"
_AFTER_THE_HOST = re.compile(r"[^:/?#]+://[^/?#]*([^#]*)", re.DOTALL)


def target_of(url: str) -> str:
    """Return path and query of an absolute URL to the letter: they may be signed.

    Only what no URL may hold (blanks, quotes, `<>^{|}`, backticks, backslashes, what is not ASCII) is percent-encoded, as
    UTF-8: many a server refuses it. Raises ValueError where it is no absolute URL, or holds half a surrogate pair.
    """
    found = _AFTER_THE_HOST.match(url)
    if found is None:
        raise ValueError("no absolute URL")
    target = quote(found[1], safe=_LEFT_ALONE)
    return target if target.startswith("/") else f"/{target}"
