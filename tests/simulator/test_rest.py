"""The broker's REST side over a real loopback socket."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

AGENT = {"User-Agent": "gss-test/1.0"}


class Api:
    """A client with a token, as the product would be."""

    def __init__(self, running: Any) -> None:
        self.base = running.http
        self.running = running
        self.session = requests.Session()
        self.session.headers.update(AGENT)

    def login(self, **changes: Any) -> requests.Response:
        body = {"grant_type": "refresh_token", "refresh_token": "demo", "client_secret": "demo"}
        answer = self.session.post(self.base + "/oauth/token", json={**body, **changes}, timeout=5)
        if answer.ok:
            self.session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return answer

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.session.get(self.base + path, timeout=5, **options)


@pytest.fixture
def api(running: Callable[..., Any]) -> Api:
    """Logged in, in front of the fake market."""
    client = Api(running())
    assert client.login().status_code == 200
    return client


def test_refresh_token_is_exchanged_for_a_bearer_token_of_900_seconds(
    running: Callable[..., Any],
) -> None:
    answer = Api(running()).login()

    assert answer.json()["token_type"] == "Bearer"
    assert answer.json()["expires_in"] == 900
    assert "data" not in answer.json()


def test_token_endpoint_takes_a_form_as_well(api: Api) -> None:
    body = {"grant_type": "refresh_token", "refresh_token": "demo", "client_secret": "demo"}

    answer = requests.post(
        api.base + "/oauth/token",
        data=urlencode(body),
        headers={**AGENT, "Content-Type": "application/x-www-form-urlencoded"},
        timeout=5,
    )

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "changes, description",
    [
        ({"client_secret": "wrong"}, "Client secret mismatch"),
        ({"client_secret": None}, "Client secret mismatch"),
        ({"refresh_token": "wrong"}, "Grant revoked"),
    ],
)
def test_refused_grant_has_the_envelope_of_its_own(
    api: Api, changes: dict[str, Any], description: str
) -> None:
    answer = api.login(**changes)

    assert answer.status_code == 400
    assert answer.json() == {"error_code": "invalid_grant", "error_description": description}


@pytest.mark.parametrize("agent", ["", "gss", "gss/"], ids=["empty", "no slash", "no version"])
@pytest.mark.parametrize("path", ["/oauth/token", "/api-quote-tokens", "/nowhere"])
def test_user_agent_without_product_and_version_gets_an_html_401(
    api: Api, agent: str, path: str
) -> None:
    answer = requests.get(api.base + path, headers={"User-Agent": agent}, timeout=5)

    if path == "/oauth/token":  # the proxy looks at the agent first, whatever the method
        answer = requests.post(api.base + path, headers={"User-Agent": agent}, timeout=5)
    assert answer.status_code == 401
    assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    "header, code",
    [
        (None, "unauthorized"),
        ("demo", "unauthorized"),
        ("Bearer demo", "token_invalid"),
        ("Bearer ", "token_invalid"),
    ],
)
def test_request_without_a_living_token_gets_a_json_401(
    api: Api, header: str | None, code: str
) -> None:
    headers = {**AGENT, **({"Authorization": header} if header is not None else {})}

    answer = requests.get(api.base + "/api-quote-tokens", headers=headers, timeout=5)

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == code


def test_access_token_dies_at_the_end_of_its_life(running: Callable[..., Any]) -> None:
    api = Api(running(token_life=900.0))
    api.login()
    assert api.get("/api-quote-tokens").status_code == 200

    api.running.faults.update({"token_expiry": 1e-9})

    assert api.get("/api-quote-tokens").json()["error"]["code"] == "token_invalid"


def test_quote_token_opens_the_streamer_it_names(api: Api) -> None:
    answer = api.get("/api-quote-tokens").json()

    assert answer["context"] == "/api-quote-tokens"
    assert answer["data"]["level"] == "api"
    assert answer["data"]["dxlink-url"] == api.running.ws
    assert api.running.services.tokens.streamer_is_good(answer["data"]["token"])


def test_delayed_level_says_so_and_lives_on_its_own_path(running: Callable[..., Any]) -> None:
    api = Api(running(level="demo"))
    api.login()

    data = api.get("/api-quote-tokens").json()["data"]

    assert data["level"] == "demo"
    assert data["dxlink-url"].endswith("/delayed")


def test_single_equity_and_list_of_equities(api: Api) -> None:
    one = api.get("/instruments/equities/SPY").json()
    some = api.get("/instruments/equities", params=[("symbol[]", s) for s in ("QQQ", "NO", "SPY")])

    assert one["data"]["symbol"] == "SPY"
    assert [item["symbol"] for item in some.json()["data"]["items"]] == ["QQQ", "SPY"]
    assert some.json()["pagination"]["total-items"] == 2


def test_list_is_paged_from_zero(api: Api) -> None:
    pages = [
        api.get("/instruments/equities", params={"per-page": 2, "page-offset": page}).json()
        for page in (0, 1, 2)
    ]

    symbols = [[item["symbol"] for item in page["data"]["items"]] for page in pages]
    assert symbols == [["SPY", "QQQ"], ["SPX"], []]
    assert pages[0]["pagination"]["total-pages"] == 2


@pytest.mark.parametrize(
    "path",
    [
        "/instruments/equities/NOSUCH",
        "/instruments/equities/BRK%2FX",
        "/instruments/futures/%2FXXZ6",
        "/option-chains/NOSUCH/nested",
        "/futures-option-chains/ES",
        "/futures-option-chains/ES/nested",
        "/market-data/Equity/NOSUCH",
        "/market-data/Nonsense/SPY",
    ],
)
def test_unknown_symbol_is_record_not_found(api: Api, path: str) -> None:
    answer = api.get(path)

    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "record_not_found"


def test_futures_are_found_by_product_by_symbol_and_alone(api: Api) -> None:
    product = api.get("/instruments/futures", params={"product-code[]": "ES"}).json()
    symbol = api.get("/instruments/futures", params={"symbol[]": "ESZ6"}).json()
    alone = api.get("/instruments/futures/%2FESZ6").json()

    assert [item["symbol"] for item in product["data"]["items"]] == ["/ESU6", "/ESZ6"]
    assert [item["symbol"] for item in symbol["data"]["items"]] == ["/ESZ6"]
    assert alone["data"]["streamer-symbol"] == "/ESZ26:XCME"


def test_nested_chain_has_one_item_a_root(api: Api) -> None:
    answer = api.get("/option-chains/SPX/nested").json()

    assert [item["root-symbol"] for item in answer["data"]["items"]] == ["SPXW"]
    assert answer["context"] == "/option-chains/SPX/nested"


def test_market_data_by_type_leaves_out_the_unknown(api: Api) -> None:
    answer = api.get("/market-data/by-type?index=SPX&equity=SPY&equity=NOSUCH&future=%2FESZ6")

    assert [item["symbol"] for item in answer.json()["data"]["items"]] == ["SPX", "SPY"]
    assert api.get("/market-data/Equity/SPY").json()["data"]["last"] == "670.0"


def test_market_data_takes_at_most_100_symbols(api: Api) -> None:
    answer = api.get("/market-data/by-type", params=[("equity", f"S{n}") for n in range(101)])

    assert answer.status_code == 422


def test_metrics_give_what_the_market_has_and_invent_nothing(api: Api) -> None:
    items = api.get("/market-metrics?symbols=SPY,NOSUCH").json()["data"]["items"]

    assert [item["symbol"] for item in items] == ["SPY"]
    assert items[0]["implied-volatility-index"] == "0.170000000"


def test_session_and_search(api: Api) -> None:
    session = api.get("/market-time/equities/sessions/current").json()["data"]
    found = api.get("/symbols/search/sp").json()["data"]["items"]

    assert session == {"state": "Open"}
    assert [item["symbol"] for item in found] == ["SPY", "SPX"]


def test_unknown_path_and_wrong_method_are_told_apart(api: Api) -> None:
    nowhere = api.get("/sessions")
    wrong = api.session.post(api.base + "/api-quote-tokens", timeout=5)

    assert (nowhere.status_code, nowhere.json()["error"]["code"]) == (404, "not_found")
    assert (wrong.status_code, wrong.headers["Allow"]) == (405, "GET")


def test_health_and_clock_answer_without_a_token(api: Api) -> None:
    health = requests.get(api.base + "/health", timeout=5).json()
    clock = requests.get(api.base + "/clock", timeout=5).json()

    assert health["ok"] is True
    assert {"anchor_market", "anchor_real", "speed", "market", "seed"} <= clock.keys()


def test_faults_are_set_read_and_checked_over_http(api: Api) -> None:
    def post(body: str) -> requests.Response:
        return requests.post(api.base + "/faults", data=body, timeout=5)

    good = post(json.dumps({"nan": "Quote"}))
    unknown = post(json.dumps({"nonsense": True}))
    malformed = [post("not json").status_code, post("[]").status_code]

    assert good.json()["faults"]["nan"] == "Quote"
    assert (unknown.status_code, unknown.json()["error"]["field"]) == (422, "nonsense")
    assert malformed == [400, 400]
    assert requests.get(api.base + "/faults", timeout=5).json()["faults"]["nan"] == "Quote"
    assert requests.get(api.base + "/health", timeout=5).json()["faults"] == {"nan": "Quote"}


def test_too_many_requests_are_refused_as_often_as_asked(api: Api) -> None:
    api.running.faults.update({"http_429": 2})

    statuses = [api.get("/api-quote-tokens").status_code for _ in range(3)]

    assert statuses == [429, 429, 200]


def test_server_trouble_is_an_html_page_but_controls_still_answer(api: Api) -> None:
    api.running.faults.update({"http_5xx": 503})

    answer = api.get("/api-quote-tokens")

    assert answer.status_code == 503
    assert answer.headers["Content-Type"].startswith("text/html")
    assert requests.get(api.base + "/health", timeout=5).status_code == 200


def test_request_can_be_left_without_an_answer(api: Api) -> None:
    api.running.faults.update({"http_hang": True})

    with pytest.raises(requests.ReadTimeout):
        api.session.get(api.base + "/api-quote-tokens", timeout=0.3)


def test_latency_delays_an_answer(api: Api) -> None:
    api.running.faults.update({"latency": 0.3})

    answer = api.get("/api-quote-tokens")

    assert answer.elapsed.total_seconds() >= 0.28


def test_page_in_a_browser_cannot_switch_faults(api: Api) -> None:
    headers = {"Origin": "http://elsewhere.example"}

    answer = requests.post(api.base + "/faults", json={"cut": True}, headers=headers, timeout=5)

    assert answer.status_code == 403
