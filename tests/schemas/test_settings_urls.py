"""The settings that are URLs: each is read in one way or refused with words, and no message repeats a part of a password."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some
from marshmallow import ValidationError
from settings_kit import ACCOUNT, problem_with, problems_of, value_of
from tls import Authority

from schemas.settings import load_settings
from schemas.subscriber import load_subscriber

SHORTEST = 4
PASSWORDS = some.text("abcXYZ019@/#?:%[]&=+ ", min_size=SHORTEST, max_size=24)
#: How a setting is given a URL.
WAYS = {
    "REDIS_URL": (
        "redis://{}@h:1/0",
        "redis://u:{}@h/0",
        "rediss://:{}@h:1/0?ssl_cert_reqs=none",
        "unix://:{}@/run/r.sock",
    ),
    "BROKER_URL": ("redis://{}@h:1/0", "redis://default:{}@h:1/0", "unix://:{}@/run/r.sock?db=1"),
    "EXOTEL_BASE_URL": ("https://u:{}@h/x", "https://{}@h/", "http://h:1/?token={}"),
    "SINKS": (
        *("redis://u:{}@h/0", "rediss://:{}@h:1/0", "amqp://u:{}@h/v", "amqps://u:{}@h:1", "postgresql://u:{}@h/db"),
        *("mysql://u:{}@h:1/db?x=y", "s3://KEY:{}@bucket/prefix?region=x", "gs://u:{}@bucket", "kafka://u:{}@a:1,b:2"),
        *("https://u:{}@h/x", "http://u:{}@h:1/x?y=z", "https://h/x?token={}"),
    ),
}


def problems_with(name, url, directory):
    """What is wrong with a URL in a variable, or in the place that it names."""
    if name == "legwork.toml":
        (directory / name).write_text(f"[[sinks]]\nname = 'crm'\nurl = '''{url}'''\n", encoding="utf-8")
        return problems_of(ACCOUNT, directory)
    if name == "subscriber":
        try:
            load_subscriber({"name": "crm", "url": url})
        except ValidationError as error:
            return [str(error.messages)]
        return []
    return problems_of(ACCOUNT | {name: url}, directory)


def telling_pieces(text, secret):
    pieces = (secret[at : at + SHORTEST] for at in range(len(secret) - SHORTEST + 1))
    return [piece for piece in pieces if piece in text]


@pytest.mark.parametrize(
    ("name", "url"),
    [
        *((name, url) for name, urls in WAYS.items() for url in urls),
        *((name, url) for name in ("legwork.toml", "subscriber") for url in WAYS["SINKS"]),
    ],
)
def test_no_problem_repeats_a_part_of_a_password(tmp_path_factory, name, url):
    directory = tmp_path_factory.mktemp("settings")
    # A word of a message is no part of a password.
    usual = "\n".join(problems_with(name, url.format(""), directory) + problems_with(name, url.format("#"), directory))

    @given(PASSWORDS)
    def refused_or_taken(password):
        for problem in problems_with(name, url.format(password), directory):
            assert not [piece for piece in telling_pieces(problem, password) if piece not in usual]

    refused_or_taken()


@pytest.mark.parametrize(
    ("name", "url", "wrong"),
    [
        (
            "REDIS_URL",
            "redis://default:12#s3cr3tPART@127.0.0.1:6379/0",
            "percent-encode the user and the password",
        ),
        ("REDIS_URL", "redis://default:#s3cr3tPART@127.0.0.1:6379/0", "# as %23"),
        ("BROKER_URL", "redis://default:12#s3cr3tPART@127.0.0.1:6379/0", "# as %23"),
        ("REDIS_URL", "redis://default:12/s3cr3tPART@127.0.0.1:6379/0", "/ as %2F"),
        ("REDIS_URL", "redis://:pw@host/0#s3cr3tPART", "holds a #; percent-encode it (%23)"),
        ("REDIS_URL", "redis://u:s3cr3tPART", "its port is not a number up to 65535"),
        ("REDIS_URL", "redis://a,b/0", "names no host"),
        ("REDIS_URL", "unix://host/run/r.sock", "names no socket"),
        ("EXOTEL_BASE_URL", "https://u:12/s3cr3tPART@host", "has an @ after its host"),
        ("SINKS", "s3://AKIAEXAMPLE:abc/s3cr3tPART@bucket/prefix?region=x", "/ as %2F"),
        ("SINKS", "redis://default:12#s3cr3tPART@127.0.0.1:6379/0", "# as %23"),
        ("SINKS", "redis://127.0.0.1:6379/0#s3cr3tPART", "holds a #; percent-encode it (%23)"),
        ("SINKS", "https://user:12/s3cr3tPART@crm.example/", "has an @ after its host"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused_with_words(name, url, wrong):
    """A # in the password of REDIS_URL was accepted: its head became a port, and its tail was printed everywhere."""
    problem = problem_with(name, url)
    assert wrong in problem
    assert "s3cr3t" not in problem


@pytest.mark.parametrize("password", ["P@s3cr3tPW", "[a]", "100%", "a:b@c"])
def test_the_server_is_given_in_a_spelling_that_no_library_misreads(password):
    assert "@" not in value_of("REDIS_URL", f"redis://u:{password}@h:1/0").removesuffix("@h:1/0")


# TLS

NONE, OPTIONAL, REQUIRED = "none", "optional", "required"


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("none", NONE),
        ("None", NONE),
        ("CERT_NONE", NONE),
        ("cert_none", NONE),
        ("ssl.CERT_NONE", NONE),
        ("optional", OPTIONAL),
        ("CERT_OPTIONAL", OPTIONAL),
        ("required", REQUIRED),
        ("CERT_REQUIRED", REQUIRED),
    ],
)
@pytest.mark.parametrize("name", ["REDIS_URL", "BROKER_URL"])
def test_both_vocabularies_of_ssl_cert_reqs_are_understood(name, word, meaning):
    """Celery's, which every guide of Heroku's has, was accepted, and then every connection failed."""
    assert (
        value_of(name, f"rediss://:pw@h:6380/0?ssl_cert_reqs={word}")
        == f"rediss://:pw@h:6380/0?ssl_cert_reqs={meaning}"
    )


def test_an_option_of_tls_is_understood_however_its_name_is_written():
    """`%5F` is an underscore: the option was accepted, and then handed on with a word that no client knows."""
    url = value_of("REDIS_URL", "rediss://:pw@h:6380/0?ssl%5Fcert_reqs=CERT_NONE")
    assert url == "rediss://:pw@h:6380/0?ssl_cert_reqs=none"


@pytest.mark.parametrize("name", ["REDIS_URL", "BROKER_URL"])
@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ("ssl_cert_reqs=maybe", "ssl_cert_reqs must be none, optional or required"),
        ("ssl_cert_reqs=", "ssl_cert_reqs must be none, optional or required"),
        ("ssl_check_hostname=perhaps", "ssl_check_hostname must be true or false"),
        ("ssl_ca_certs=/no/such/file.pem", "ssl_ca_certs names a file that cannot be read (No such file or directory)"),
        ("ssl_ca_certs=/dev/null", "ssl_ca_certs names a file that holds no certificate in PEM"),
        ("ssl_ca_certs=a%00b", "ssl_ca_certs names a file that cannot exist"),
        ("ssl_certfile=/no/such/file.pem", "ssl_certfile names a file that cannot be read"),
        ("ssl_certfile=/dev/null", "hold a certificate and its key in PEM"),
        ("ssl_keyfile=/dev/null", "ssl_keyfile needs an ssl_certfile"),
    ],
)
def test_a_wrong_value_of_an_option_of_tls_is_a_problem_of_the_settings(name, options, wrong):
    assert wrong in problem_with(name, f"rediss://h:6380/0?{options}")


def test_the_files_of_a_sink_are_nobodys_but_the_sinks(tmp_path):
    """Web and every command used to read the certificates of sinks, which may exist only on the hosts of workers."""
    sink = "rediss://h:6380/0?ssl_ca_certs=/no/such/file.pem"
    (spec,) = load_settings(ACCOUNT | {"SINKS": sink}, directory=tmp_path).sinks
    assert spec.url == sink


def test_right_values_are_taken_and_spelt_as_redis_py_and_kombu_both_read_them(tmp_path):
    authority = Authority(tmp_path)
    pem = authority.certify("h")
    options = f"ssl_check_hostname=NO&ssl_ca_certs={authority.ca_file}&ssl_certfile={pem}"
    assert "ssl_check_hostname=false" in value_of("REDIS_URL", f"rediss://h:6380/0?{options}")
    sink = f"rediss://h:6380/0?stream=x&{options}&ssl_min_version=771&ssl_ca_path={tmp_path}&ssl_ciphers=HIGH"
    (spec,) = load_settings(ACCOUNT | {"SINKS": sink}, directory=tmp_path).sinks
    assert spec.url == sink
