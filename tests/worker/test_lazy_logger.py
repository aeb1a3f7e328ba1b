from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from worker.lazy_logger import LazyLogger


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_a_line_reaches_structlog_with_its_level_and_fields(level):
    with capture_logs() as lines:
        getattr(LazyLogger("worker.somewhere"), level)("something.happened", count=3)
    assert lines == [{"event": "something.happened", "log_level": level, "count": 3}]
