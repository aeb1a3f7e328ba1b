"""What OpenTelemetry's variables hold, and nobody is to see."""

from __future__ import annotations

import io
import logging

import pytest
from cli_kit import keep_no_loggers, logs_as_they_were
from factories import make_settings

from schemas.settings import SettingsError
from worker.logs import set_up_logs
from worker.tracing.environment import refuse_what_is_wrong

ENDPOINT, HEADERS = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"


def test_the_exporters_password_and_the_values_of_its_headers_are_in_no_log(monkeypatch):
    monkeypatch.setenv(ENDPOINT, "https://user:Qzx7w%40@otel.example:4318")
    monkeypatch.setenv(HEADERS, "x-key=jKv9Q%20wXqZvJ,x-other=other")
    log = io.StringIO()
    with logs_as_they_were():
        set_up_logs(make_settings(), stream=log)
        keep_no_loggers()
        said = "https://user:Qzx7w%40@otel.example", "Qzx7w@ jKv9Q wXqZvJ"
        logging.getLogger("opentelemetry").warning("to %s: %s", *said)
    assert "otel.example" in log.getvalue()
    assert not [word for word in ("Qzx7w", "jKv9Q", "wXqZvJ") if word in log.getvalue()]


@pytest.mark.parametrize("url", ["https://user:12/Qzx7w@otel.example", "http://a,b/", "http://host:0", " http://host"])
def test_an_endpoint_that_could_be_read_in_two_ways_is_refused_without_its_password(url):
    with pytest.raises(SettingsError) as caught:
        refuse_what_is_wrong({ENDPOINT: url})
    assert caught.value.problems == [f"{ENDPOINT}: is no URL; give one such as http://127.0.0.1:4318"]
