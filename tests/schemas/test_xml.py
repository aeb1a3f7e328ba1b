import pytest
from marshmallow import ValidationError

from schemas.plain import MAX_DEPTH
from schemas.xml import load_xml

BILLION_LAUGHS = b"""<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">]>
<lolz>&lol2;</lolz>"""
EXTERNAL = b"""<!DOCTYPE a [<!ENTITY secret SYSTEM "file:///etc/passwd">]><a>&secret;</a>"""
PARAMETER = b"""<!DOCTYPE a [<!ENTITY % more SYSTEM "http://127.0.0.1/x.dtd"> %more;]><a/>"""


def test_elements_become_keys_repeated_ones_a_list_and_empty_ones_the_empty_text():
    body = b"<root><A>1</A><B/><C><D>2</D><D>3</D></C></root>"
    assert load_xml(body) == {"A": "1", "B": "", "C": {"D": ["2", "3"]}}


def test_attributes_namespaces_comments_and_instructions_are_dropped():
    body = b"""<?xml version="1.0"?> <?pi?><r xmlns="urn:x" xmlns:y="urn:y"><!-- c --><y:A a="1">1</y:A></r>"""
    assert load_xml(body) == {"A": "1"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_the_declared_encoding_counts(encoding):
    assert load_xml(f'<?xml version="1.0" encoding="{encoding}"?><r><A>é</A></r>'.encode(encoding)) == {"A": "é"}


def test_blank_lines_before_the_declaration_are_forgiven():
    assert load_xml(b'\r\n <?xml version="1.0"?><r><A>1</A></r>') == {"A": "1"}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(BILLION_LAUGHS, id="entities that multiply"),
        pytest.param(EXTERNAL, id="a file of ours"),
        pytest.param(PARAMETER, id="somebody's server"),
        pytest.param(b"<!DOCTYPE html><html></html>", id="a gateway's page"),
        pytest.param(b"<a>&undefined;</a>", id="an entity that nobody declared"),
        pytest.param(b"<a><b></a>", id="not well-formed"),
        pytest.param(b"<", id="cut off"),
        pytest.param(b"", id="empty"),
    ],
)
def test_what_is_dangerous_or_broken_is_a_validation_error(body):
    with pytest.raises(ValidationError):
        load_xml(body)


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 100_000])
def test_depth_has_a_limit(depth):
    with pytest.raises(ValidationError, match=str(MAX_DEPTH)):
        load_xml(b"<a>" * (depth + 1) + b"</a>" * (depth + 1))


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param(b'<?xml version="1.0" encoding="klingon"?><r><A>a</A></r>', "a", id="unknown encoding"),
        pytest.param('<?xml version="1.0" encoding="big5"?><r><A>\u4e2d</A></r>'.encode("big5"), "\u4e2d", id="big5"),
        pytest.param(b"<r><A>caf\xff</A></r>", "caf\ufffd", id="not in its encoding"),
        pytest.param(b'<?xml version="1.0" encoding="utf-8"?><r><A>caf\xe9</A></r>', "caf\ufffd", id="nor as declared"),
        pytest.param(b"<r><A>a\x00\x0bz</A></r>", "a\ufffd\ufffdz", id="a zero"),
    ],
)
def test_a_byte_that_is_no_character_costs_that_character(body, text):
    """One byte of a name in another charset cost the whole call: nothing in the answer was read."""
    assert load_xml(body) == {"A": text}
