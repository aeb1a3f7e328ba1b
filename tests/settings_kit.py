"""What the tests of settings start from: one account by environment, and a way to see what is wrong."""

from __future__ import annotations

from pathlib import Path

from schemas.settings import SettingsError, load_settings

ACCOUNT = {
    "EXOTEL_ACCOUNT_SID": "acme1m",
    "EXOTEL_API_KEY": "key-of-acme",
    "EXOTEL_API_TOKEN": "token-of-acme",
    "CALLBACK_TOKEN": "callback-token-of-acme",
}

NOWHERE = Path("/nonexistent")


def problems_of(environ, directory=NOWHERE):
    """The problems with `environ` and the files in `directory`; none if they are right."""
    try:
        load_settings(environ, directory=directory)
    except SettingsError as error:
        return error.problems
    return []


def problem_with(name, value):
    """The only problem there is if one variable is set to `value`."""
    (problem,) = problems_of(ACCOUNT | {name: value})
    return problem


def value_of(name, value):
    """What a variable's text is read as."""
    return getattr(load_settings(ACCOUNT | {name: value}, directory=NOWHERE), name.lower())
