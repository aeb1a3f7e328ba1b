"""`stdout:` sinks: records on standard output, and nothing else."""

from __future__ import annotations

import os

import pytest
from sink_contract import SinkContract, read_lines, sink_spec

from worker.sinks import sink_for


class WithoutStdout:
    """A sink all of whose work is done while standard output is closed."""

    def __init__(self, sink):
        self._sink = sink

    def __getattr__(self, name):
        def call(*args):
            saved = os.dup(1)
            os.close(1)
            try:
                return getattr(self._sink, name)(*args)
            finally:
                os.dup2(saved, 1)
                os.close(saved)

        return call


class TestStdoutSink(SinkContract):
    @pytest.fixture
    def sink(self):
        return sink_for(sink_spec("stdout:"))

    @pytest.fixture
    def arrived(self, capfdbinary):
        return lambda: read_lines(capfdbinary.readouterr().out)

    @pytest.fixture
    def unreachable(self, sink):
        return WithoutStdout(sink)
