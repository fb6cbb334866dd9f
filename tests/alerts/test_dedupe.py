"""Keys: equal for what is the same alert, different for what is not."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from grok_sauce.alerts.dedupe import exact_key, semantic_key
from grok_sauce.alerts.strict_json import parse

SECRETS = ("secret", "key", "auth_token")
ALERT = {"ticker": "AAPL", "action": "buy", "qty": 10, "price": 150.25}

VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
)
NAMES = st.sampled_from(["ticker", "action", "qty", "price", "time", "note", "trade_id"])
DOCUMENTS = st.dictionaries(NAMES, VALUES, min_size=1)


def test_an_exact_key_is_sha_256_of_canonical_json() -> None:
    canonical = b'{"action":"buy","price":150.25,"qty":10,"ticker":"AAPL"}'

    assert exact_key(ALERT, SECRETS) == hashlib.sha256(canonical).hexdigest()


@given(DOCUMENTS, st.randoms(use_true_random=False))
def test_order_and_spacing_make_no_other_alert(document: dict[str, Any], random: Any) -> None:
    names = list(document)
    random.shuffle(names)
    shuffled = {name: document[name] for name in names}
    spaced = json.loads(json.dumps(shuffled, indent=3, ensure_ascii=False))

    assert exact_key(spaced, SECRETS) == exact_key(document, SECRETS)


@given(DOCUMENTS, NAMES, VALUES)
def test_any_other_field_makes_another_alert(
    document: dict[str, Any], name: str, value: Any
) -> None:
    assume(json.dumps(document.get(name, "absent")) != json.dumps(value))

    assert exact_key({**document, name: value}, SECRETS) != exact_key(document, SECRETS)


@given(DOCUMENTS, st.sampled_from(SECRETS), VALUES)
def test_a_secret_is_no_part_of_a_key(document: dict[str, Any], name: str, value: Any) -> None:
    assert exact_key({**document, name: value}, SECRETS) == exact_key(document, SECRETS)


def test_a_resend_with_other_spacing_has_the_same_key() -> None:
    first = parse('{"ticker":"A","qty":1}')
    again = parse('{ "qty" : 1,\n "ticker" : "A" }')

    assert exact_key(first, SECRETS) == exact_key(again, SECRETS)


@given(*[st.text(min_size=1, max_size=6)] * 4)
def test_a_semantic_key_holds_ticker_and_trade_id_apart(a: str, b: str, c: str, d: str) -> None:
    assert (semantic_key(a, b) == semantic_key(c, d)) == ((a, b) == (c, d))


def test_without_a_trade_id_there_is_no_semantic_key() -> None:
    assert semantic_key("NQ", None) is None
    assert semantic_key("NQ", "") is None
