"""What is refused of a body, and that nothing else ever goes wrong with one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from grok_sauce.alerts.strict_json import Unreadable, decode, load, parse
from tests.alerts.bad_bodies import ALERT, REFUSED


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_a_body_that_readers_disagree_on_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable):
        load(body)


TAKEN: dict[str, tuple[bytes, dict[str, Any]]] = {
    "plain": (json.dumps(ALERT).encode(), ALERT),
    "not-ascii": (json.dumps(ALERT, ensure_ascii=False).encode(), ALERT),
    "byte-order-mark": (b"\xef\xbb\xbf" + json.dumps(ALERT).encode(), ALERT),
    "blanks-around": (b'\r\n {"a": 1} \n', {"a": 1}),
    "empty-object": (b"{}", {}),
    "18-digits": (b'{"a": -999999999999999999}', {"a": -999_999_999_999_999_999}),
    "eight-levels": (b'{"a":' + b"[" * 7 + b"]" * 7 + b"}", {"a": [[[[[[[]]]]]]]}),
    "brackets-in-a-text": (b'{"a": "[[[[[[[[[[{{{{\\"[["}', {"a": '[[[[[[[[[[{{{{"[['}),
    "64-keys": (
        json.dumps({f"k:{at}": ":" for at in range(64)}).encode(),
        {f"k:{at}": ":" for at in range(64)},
    ),
    "a-pair": (b'{"a": "\\ud83d\\ude00"}', {"a": "\U0001f600"}),
    "escapes": (b'{"a": "\\"\\\\\\/"}', {"a": '"\\/'}),
    "small-number": (b'{"a": 1e-400}', {"a": 0.0}),
}


@pytest.mark.parametrize("body, document", TAKEN.values(), ids=TAKEN)
def test_a_plain_body_is_read(body: bytes, document: dict[str, Any]) -> None:
    assert load(body) == document


@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
@example(b'{"a":' * 3000)
@example(b'{"a": "' + b"\\" * 9000)
def test_any_bytes_give_an_object_or_the_one_refusal(body: bytes) -> None:
    document = None
    why = ""
    try:
        document = load(body)
    except Unreadable as problem:
        why = str(problem)

    assert (document is None) == bool(why)
    if document is not None:
        assert document == json.loads(decode(body))


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**18) + 1, 10**18 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=20)
)
KEYS = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=8)


@given(st.dictionaries(KEYS, SCALARS | st.lists(SCALARS, max_size=4), max_size=12))
def test_every_tame_object_comes_through_unchanged(document: dict[str, Any]) -> None:
    for ascii_only in (True, False):
        assert parse(json.dumps(document, ensure_ascii=ascii_only)) == document


@given(KEYS.filter(bool), st.text(min_size=12, max_size=30))
def test_a_refusal_never_quotes_the_body(key: str, secret: str) -> None:
    canary = "canary-71c9"
    body = json.dumps({key: secret, "secret": canary})[:-1].encode("utf-8", "surrogatepass")

    with pytest.raises(Unreadable) as caught:
        load(body)

    assert canary not in str(caught.value)
