"""The Compose file: hardened, and its demo needs nothing that is not in deploy/demo.env."""

from __future__ import annotations

import io
import re
import subprocess
from urllib.parse import urlsplit

import pytest
import yaml
from dotenv import dotenv_values
from manifests import ROOT

from sandbox.__main__ import main as sandbox_command
from schemas.settings import load_settings
from schemas.settings.model import VARIABLES
from webhook.up.plan import DEMONSTRATION

COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
DEMO = dotenv_values(ROOT / "deploy/demo.env", interpolate=False)
OURS = ["web", "worker", "sandbox", "receiver"]


def services(environ):
    """The services as Compose reads them with these variables for its ${…}."""

    def value(match):
        name, _, default = match.group(1).partition(":-")
        return environ.get(name) or default

    return yaml.safe_load(re.sub(r"(?<!\$)\$\{([^}]+)\}", value, COMPOSE))["services"]


@pytest.fixture
def demo():
    return services(DEMO)


@pytest.mark.parametrize("name", OURS)
def test_a_container_of_ours_can_write_nothing_but_its_data(name, demo):
    service = demo[name]
    assert (service["image"], service["build"]) == ("legwork", ".")
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_without_a_word_the_settings_are_those_of_the_operator_and_the_demo_stays_away():
    plain = services({})
    for name in ("web", "worker"):
        assert plain[name]["env_file"] == [{"path": ".env", "required": False}]
    assert [name for name in plain if "profiles" not in plain[name]] == ["valkey", "web", "worker"]


@pytest.mark.parametrize(("environ", "limit"), [({}, "1gb"), ({"VALKEY_MAXMEMORY": "8gb"}, "8gb")])
def test_valkey_keeps_every_write_evicts_nothing_and_has_a_limit(environ, limit):
    assert services(environ)["valkey"]["command"] == (
        f"valkey-server --appendonly yes --appendfsync always --maxmemory-policy noeviction --maxmemory {limit}"
    )


def test_the_demo_turns_itself_on_and_leaves_a_real_installation_alone(demo):
    assert DEMO["COMPOSE_PROFILES"] == demo["sandbox"]["profiles"][0] == demo["receiver"]["profiles"][0]
    assert DEMO["COMPOSE_PROJECT_NAME"] != yaml.safe_load(COMPOSE)["name"]
    for name in ("web", "worker"):
        assert demo[name]["env_file"][0]["path"] == "deploy/demo.env"


def test_legwork_takes_the_settings_of_the_demo(demo, tmp_path):
    environ = DEMO | demo["web"]["environment"]
    settings = load_settings(environ, directory=tmp_path)
    assert not settings.warnings
    assert {name for name in DEMO if not name.startswith(("COMPOSE_", "LEGWORK_ENV"))} <= {
        variable.name for variable in VARIABLES.values()
    }
    assert urlsplit(settings.redis_url).hostname in demo
    assert settings.console_password


def test_the_demo_has_the_short_times_of_legwork_up():
    assert DEMONSTRATION.items() <= DEMO.items()


def test_every_address_of_the_demo_is_that_of_a_service_that_listens_there(demo, tmp_path):
    settings = load_settings(DEMO | demo["web"]["environment"], directory=tmp_path)
    listens = {
        "web": int(demo["web"]["environment"]["PORT"]),
        "sandbox": int(demo["sandbox"]["environment"]["SANDBOX_PORT"]),
        "receiver": int(demo["receiver"]["command"].rpartition("--port ")[2]),
    }
    webhooks = [spec.url for spec in settings.sinks if spec.url.startswith("http")]
    callbacks = [demo["sandbox"]["environment"][f"SANDBOX_{kind}_URL"] for kind in ("PASSTHRU", "STATUS")]
    assert len(webhooks) == 1
    for url in [settings.account(DEMO["EXOTEL_ACCOUNT_SID"]).base_url, *webhooks, *callbacks]:
        parts = urlsplit(url)
        assert listens[parts.hostname] == parts.port
    (account,) = settings.accounts
    for url in callbacks:
        assert url.split("/")[4] in account.callback_tokens


def test_the_receiver_of_the_demo_knows_the_secret_that_records_are_signed_with(demo):
    receiver = demo["receiver"]
    assert receiver["environment"]["LEGWORK_SECRET"] == DEMO["SINK_SECRET"]
    (mounted,) = receiver["volumes"]
    file, inside, _ = mounted.split(":")
    assert (ROOT / file).is_file()
    assert inside == f"{receiver['working_dir']}/receiver.py"
    assert receiver["environment"]["DATABASE"].startswith(f"{receiver['tmpfs'][0]}/")


def test_the_variables_of_the_sandbox_are_such_as_it_knows(demo):
    known = {
        name
        for parameter in sandbox_command.params
        for name in ([parameter.envvar] if isinstance(parameter.envvar, str) else parameter.envvar or [])
    }
    assert demo["sandbox"]["environment"].keys() <= known


def test_a_worker_is_looked_at_by_the_file_that_it_touches(demo, tmp_path):
    file = demo["worker"]["command"].partition("--heartbeat ")[2]
    kind, script = demo["worker"]["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    assert file in script
    script = script.replace("$$", "$").replace(file, str(tmp_path / "alive"))
    assert subprocess.run(["sh", "-c", script], capture_output=True, check=False, timeout=60).returncode != 0
    (tmp_path / "alive").touch()
    assert subprocess.run(["sh", "-c", script], capture_output=True, check=False, timeout=60).returncode == 0


def test_what_is_typed_with_compose_names_a_service():
    text = COMPOSE + (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    named = set(re.findall(r"docker compose (?:--env-file \S+ )?(?:exec|logs) (\w+)", text))
    assert named
    assert named <= services(DEMO).keys()


def test_compose_reads_the_file_of_the_demo_as_we_do():
    """Whatever stands unquoted and holds a # or a $ would be read in another way by Compose."""
    text = (ROOT / "deploy/demo.env").read_text(encoding="utf-8")
    assert dotenv_values(stream=io.StringIO(text)) == DEMO
    assert "$" not in text
