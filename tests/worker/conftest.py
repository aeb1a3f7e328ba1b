"""A workbench, and the pretend Exotel that it asks."""

from __future__ import annotations

import sys

import pytest
from dispatching import THREADS, Tray
from stubs import StubServer
from worker_kit import Workbench

from worker.dispatcher import Dispatcher


@pytest.fixture
def exotel():
    with StubServer() as server:
        yield server


@pytest.fixture
def make_bench(client, redis_url, exotel):
    benches = []

    def make(**variables):
        benches.append(Workbench(client, redis_url, exotel.url, **variables))
        return benches[-1]

    yield make
    for bench in benches:
        bench.close()


@pytest.fixture
def bench(make_bench):
    return make_bench()


@pytest.fixture
def tray():
    return Tray()


@pytest.fixture
def make_dispatcher(tray):
    def make(bench, carrier=None, *, name="here:1", threads=THREADS):
        return Dispatcher(bench.context, carrier or tray, name=name, threads=threads)

    return make


@pytest.fixture
def accounts(tmp_path):
    """A configuration with more accounts: acme2m, acme3m, acme4m."""
    tables = "".join(
        f'[[accounts]]\nsid = "acme{number}m"\napi_key = "k"\napi_token = "t"\n'
        f'callback_token = "another-callback-token-{number}"\n'
        for number in (2, 3, 4)
    )
    config = tmp_path / "legwork.toml"
    config.write_text(tables)
    return {"legwork_config": config}


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    """Writes a module of the user's into the working directory; its name, which is forgotten afterwards."""
    name = f"own_{tmp_path.name.replace('-', '_')}"

    def write(text):
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "path", list(sys.path))
        return name

    yield write
    sys.modules.pop(name, None)
