"""What to do about an error of Redis."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import redis

from worker.ledger.advice import RIGHTS, what_to_do

ROOT = Path(__file__).parents[3]
ERRORS = [
    redis.exceptions.NoPermissionError("this user has no permissions"),
    redis.exceptions.AuthorizationError("not authorized"),
]


@pytest.mark.parametrize("advice", [RIGHTS, *map(what_to_do, ERRORS)])
def test_a_heading_that_is_named_is_there(advice):
    """The heading was renamed, and the advice sent people to look for the old one."""
    ((document, heading),) = re.findall(r'(docs/[a-z-]+\.md) names under "([^"]+)"', advice)
    headings = re.findall(r"^#+ +(.+)$", (ROOT / document).read_text(encoding="utf-8"), re.MULTILINE)
    assert heading in headings
