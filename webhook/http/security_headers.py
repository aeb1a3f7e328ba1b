"""Security headers of every answer: browsers load only our own files, show no page in a frame, and sniff no types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from webhook.http.assets import is_current

if TYPE_CHECKING:
    from flask import Flask, Response

# No inline script or style, and nothing from other origins.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    # Not `no-referrer`: browsers without Sec-Fetch-Site would then call our own forms `Origin: null`.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# A file's URL changes with it.
_FOR_EVER = "public, max-age=31536000, immutable"


def install(app: Flask) -> None:
    """Add the headers to every answer of the app."""

    @app.after_request
    def _add_headers(answer: Response) -> Response:
        for name, value in HEADERS.items():
            answer.headers.setdefault(name, value)
        if is_current():
            answer.headers["Cache-Control"] = _FOR_EVER
        return answer
