"""What is refused of a body, and that nothing else ever goes wrong with one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from grok_sauce.alerts.strict_json import Unreadable, decode, load, parse

ALERT = {"ticker": "AAPL", "action": "buy", "qty": 10, "price": 150.25, "note": "Größe €"}

REFUSED: dict[str, bytes] = {
    "nothing": b"",
    "blanks": b" \r\n\t ",
    "no-json": b"buy AAPL",
    "half-an-object": b'{"a": 1',
    "two-objects": b'{"a": 1}{"a": 1}',
    "trailing-comma": b'{"a": 1,}',
    "single-quotes": b"{'a': 1}",
    "comment": b'{"a": 1} // buy',
    "array": b'[{"a": 1}]',
    "text": b'"buy"',
    "number": b"7",
    "null": b"null",
    "nan": b'{"price": NaN}',
    "infinity": b'{"price": Infinity}',
    "minus-infinity": b'{"price": -Infinity}',
    "1e400": b'{"price": 1e400}',
    "minus-1e400": b'{"price": -1e400}',
    "duplicate-key": b'{"qty": 1, "qty": 2}',
    "duplicate-key-escaped": b'{"qty": 1, "\\u0071ty": 2}',
    "duplicate-key-inside": b'{"a": {"qty": 1, "qty": 2}}',
    "19-digits": b'{"qty": 1000000000000000000}',
    "minus-19-digits": b'{"qty": -1000000000000000000}',
    "5000-digits": b'{"qty": ' + b"9" * 5000 + b"}",
    "nine-levels": b'{"a":' + b"[" * 8 + b"]" * 8 + b"}",
    "8000-open-brackets": b"[" * 8000,
    "8000-brackets": b"[" * 8000 + b"]" * 8000,
    "8000-objects": b'{"a":' * 2700 + b"1" + b"}" * 2700,
    "65-keys": json.dumps({f"k{at}": at for at in range(65)}).encode(),
    "65-keys-inside": json.dumps(
        {"a": {f"k{at}": at for at in range(32)}, "b": [{f"k{at}": at for at in range(31)}]}
    ).encode(),
    "utf-16": json.dumps(ALERT).encode("utf-16"),
    "utf-16-without-mark": json.dumps(ALERT).encode("utf-16-le"),
    "utf-32": json.dumps(ALERT).encode("utf-32"),
    "latin-1": '{"note": "Größe"}'.encode("latin-1"),
    "two-marks": b"\xef\xbb\xbf\xef\xbb\xbf{}",
    "overlong": b'{"a": "\xc0\xaf"}',
    "surrogate-bytes": b'{"a": "\xed\xa0\x80"}',
    "half-a-pair": b'{"a": "\\ud83d"}',
    "second-half": b'{"a": "\\ude00"}',
    "half-a-pair-as-key": b'{"\\ud83d": 1}',
    "half-a-pair-in-a-list": b'{"a": [["\\ud83d"]]}',
    "nul": b'{"a": "\x00"}',
    "nul-escaped": b'{"a": "\\u0000"}',
    "nul-as-key": b'{"a\\u0000": 1}',
    "new-line": b'{"a": "buy\nsell"}',
    "new-line-escaped": b'{"a": "buy\\nsell"}',
    "tab-escaped": b'{"a": "buy\\tsell"}',
    "delete": b'{"a": "\x7f"}',
    "c1-control": '{"a": "\x85"}'.encode(),
    "c1-control-escaped": b'{"a": "\\u0085"}',
    "bad-escape": b'{"a": "\\x41"}',
    "placeholder-unquoted": b'{"qty": {{strategy.order.contracts}}}',
    "byte-order-mark-only": b"\xef\xbb\xbf",
}


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
