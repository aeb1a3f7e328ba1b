import pytest

from schemas.no_value import is_nothing


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "  ",
        " " * 100,
        "null",
        "NULL",
        " null ",
        "1970-01-01 05:30:00",
        "0000-00-00 00:00:00",
        "0001-01-01T00:00:00Z",
    ],
)
def test_every_spelling_of_nothing_is_nothing(value):
    assert is_nothing(value)


@pytest.mark.parametrize("value", ["0", 0, 0.0, False, "nullable", '""', "none", [], {}, "1970-01-01 05:30:01"])
def test_everything_else_is_something(value):
    assert not is_nothing(value)
