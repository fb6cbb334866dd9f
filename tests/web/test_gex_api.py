"""The GEX page, its API, the signal service's two addresses, chains as CSV, history."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce.desks.gex_signal import NoLevels
from grok_sauce.update import Update
from grok_sauce.web.errors import Refusal
from grok_sauce.web.tickers import normal_view, page_of
from tests.browser.gex_payload import make_payload

Make = Callable[..., SimpleNamespace]
Browse = Callable[..., Any]

# What programs that listen to the signal service expect, and two more.
E80 = [
    *("timestamp", "qqq_spot", "nq_spot", "multiplier", "total_gex", "regime", "gamma_flip"),
    *("call_wall", "put_wall", "resistance", "support", "from_cache", "definition", "levels"),
]


def asked(site: SimpleNamespace, name: str) -> list[dict[str, Any]]:
    """How often and with what a question or control was called."""
    return [params for called, params in site.machine.calls if called == name]


class TestPage:
    @pytest.mark.parametrize(
        "path, lands",
        [
            ("/gex", "/gex/SPX"),
            ("/gex?view=0dte&unit=point", "/gex/SPX?view=0dte&unit=point"),
            ("/gex?symbol=qqq", "/gex/QQQ"),
            ("/gex?symbol=QQQ&view=0dte", "/gex/QQQ?view=0dte"),
            ("/gex/spx", "/gex/SPX"),
            ("/gex/spy?view=7d", "/gex/SPY?view=7d"),
        ],
    )
    def test_every_page_has_one_address(
        self, make_site: Make, browse: Browse, path: str, lands: str
    ) -> None:
        answer = browse(make_site().app).open(path)

        assert (answer.status_code, answer.headers["Location"]) == (302, lands)

    def test_without_chosen_symbols_it_opens_the_usual_one(
        self, make_site: Make, browse: Browse
    ) -> None:
        site = make_site()
        user = browse(site.app)
        user.write(
            "/api/settings",
            {"revision": site.store.revision, "settings": {"gex": {"symbols": []}}},
            "PUT",
        )

        assert user.open("/gex").headers["Location"] == "/gex/SPX"

    @pytest.mark.parametrize("path", ["/gex?symbol=/es", "/gex?symbol=%2FES&view=all"])
    def test_a_symbol_with_a_slash_has_its_page_too(
        self, make_site: Make, browse: Browse, path: str
    ) -> None:
        answer = browse(make_site().app).open(path)

        assert answer.status_code == 200
        assert "/ES SPX,NDX,SPY,QQQ,IWM,DIA all pct e1 0|nothing" in answer.get_data(as_text=True)

    def test_it_draws_from_the_snapshot_of_its_view(self, make_site: Make, browse: Browse) -> None:
        site = make_site()
        site.snapshot.publish([Update("gex.levels", "SPX:all", make_payload("SPX", "all"))])
        site.snapshot.publish([Update("gex.levels", "SPX:0dte", make_payload("SPX", "0dte"))])
        site.snapshot.publish([Update("gex.levels", "SPX:0dte", make_payload("SPX", "0dte"))])

        text = browse(site.app).open("/gex/SPX?view=0dte&unit=point").get_data(as_text=True)

        assert "0dte point e1 2|live 6012.36" in text
        assert asked(site, "gex.last") == []

    def test_before_the_first_live_numbers_it_shows_the_last_kept_with_their_date(
        self, make_site: Make, browse: Browse
    ) -> None:
        site = make_site()
        site.machine.answers["gex.last"] = lambda symbol: make_payload(symbol, "all")

        text = browse(site.app).open("/gex/SPX").get_data(as_text=True)

        assert "stale 6012.36 These are the last levels kept, of 2026-12-16 19:32 UTC" in text

    def test_kept_levels_of_all_expiries_do_not_stand_for_another_view(
        self, make_site: Make, browse: Browse
    ) -> None:
        site = make_site()

        text = browse(site.app).open("/gex/SPX?view=0dte").get_data(as_text=True)

        assert "|nothing" in text
        assert asked(site, "gex.last") == []

    def test_it_opens_while_the_history_cannot_be_read(
        self, make_site: Make, browse: Browse
    ) -> None:
        site = make_site()
        site.machine.answers["gex.last"] = lambda symbol: 1 / 0

        answer = browse(site.app).open("/gex/XSP")

        assert answer.status_code == 200
        assert "XSP" in answer.get_data(as_text=True)

    def test_dates_are_put_in_the_one_spelling_of_rooms(
        self, make_site: Make, browse: Browse
    ) -> None:
        answer = browse(make_site().app).open("/gex/SPX?view=2026-12-18,2026-11-27,2026-12-18")

        assert " 2026-11-27,2026-12-18 pct" in answer.get_data(as_text=True)

    @pytest.mark.parametrize(
        "path, status",
        [
            ("/gex/S_P", 404),
            ("/gex/" + "A" * 21, 404),
            ("/gex/..", 422),
            ("/gex/...", 422),
            ("/gex/SPX?view=tomorrow", 422),
            ("/gex/SPX?unit=furlong", 422),
            ("/gex?symbol=", 422),
            ("/gex?symbol=%3Cscript%3E", 422),
            ("/gex?symbol=/ESZ6", 422),
        ],
    )
    def test_what_is_no_symbol_or_view_is_refused(
        self, make_site: Make, browse: Browse, path: str, status: int
    ) -> None:
        site = make_site()

        answer = browse(site.app).open(path)

        assert answer.status_code == status
        assert "<script>" not in answer.get_data(as_text=True).partition("</script>")[2]
        assert site.machine.calls == []


class TestSignalService:
    def test_levels_have_exactly_the_documented_keys(self, make_site: Make, browse: Browse) -> None:
        found = browse(make_site().app).open("/gex/levels").get_json()

        assert list(found) == E80
        assert found["from_cache"] is False

    def test_no_levels_is_404_with_the_reason(self, make_site: Make, browse: Browse) -> None:
        site = make_site()

        def none() -> None:
            raise NoLevels("no levels of QQQ: the chain is loading")

        site.machine.answers["gex.e80"] = none

        answer = browse(site.app).open("/gex/levels", headers={"Accept": "text/html"})

        assert answer.status_code == 404
        assert answer.get_json()["error"] == {
            "code": "no_levels", "message": "No levels of QQQ: the chain is loading."
        }  # fmt: skip

    @pytest.mark.parametrize(
        "query, force",
        [("", False), ("?force=true", True), ("?force=TRUE", True), ("?force=1", True),
         ("?force=false", False), ("?force=0", False)],
    )  # fmt: skip
    def test_a_refresh_passes_on_whether_it_is_forced(
        self, make_site: Make, browse: Browse, query: str, force: bool
    ) -> None:
        site = make_site()

        answer = browse(site.app).write(f"/gex/refresh{query}", {})

        assert answer.status_code == 200
        assert asked(site, "gex.refresh") == [{"force": force}]
        assert list(answer.get_json()) == E80

    def test_a_local_program_may_refresh_without_a_token(
        self, make_site: Make, browse: Browse
    ) -> None:
        assert browse(make_site().app).open("/gex/refresh", "POST").status_code == 200

    def test_looking_changes_nothing_and_says_how_to_ask(
        self, make_site: Make, browse: Browse
    ) -> None:
        site = make_site()

        answer = browse(site.app).open("/gex/refresh?force=true")

        assert answer.status_code == 405
        assert answer.headers["Allow"] == "POST"
        assert answer.get_json()["error"]["message"] == "GET is not offered here, use POST."
        assert site.machine.calls == []

    def test_a_refresh_that_finds_nothing_is_503(self, make_site: Make, browse: Browse) -> None:
        site = make_site()

        def none(force: bool) -> None:
            raise NoLevels("no levels of QQQ: nothing has arrived yet")

        site.machine.answers["gex.refresh"] = none

        answer = browse(site.app).write("/gex/refresh", {})

        assert answer.status_code == 503
        assert "nothing has arrived yet" in answer.get_json()["error"]["message"]


class TestLevels:
    @pytest.mark.parametrize(
        "path, params",
        [
            ("/api/gex?symbol=spx", {"symbol": "SPX"}),
            ("/api/gex?symbol=brk.b", {"symbol": "BRK/B"}),
            ("/api/gex?symbol=/ES", {"symbol": "/ES"}),
            ("/api/gex/spx", {"symbol": "SPX"}),
            ("/api/gex/SPX?expiry=0DTE&unit=point", {"view": "0dte", "unit": "point"}),
            ("/api/gex/SPX?expiry=2026-12-18&gamma=feed", {"view": "2026-12-18", "gamma": "feed"}),
        ],
    )
    def test_what_is_asked_reaches_the_machine_in_one_spelling(
        self, make_site: Make, browse: Browse, path: str, params: dict[str, str]
    ) -> None:
        site = make_site()

        answer = browse(site.app).open(path)

        assert answer.status_code == 200
        usual = {"symbol": "SPX", "view": "all", "unit": "pct", "gamma": "model"}
        assert asked(site, "gex.levels") == [{**usual, **params}]

    def test_strikes_are_rows_and_columns_stay_with_the_page(
        self, make_site: Make, browse: Browse
    ) -> None:
        found = browse(make_site().app).open("/api/gex/SPX").get_json()

        payload = make_payload("SPX", "all")
        assert "columns" not in found
        assert len(found["strikes"]) == len(payload["columns"]["strike"])
        assert found["strikes"][7]["call_gex"] == payload["columns"]["call_gex"][7]
        assert found["totals"]["net"] == payload["totals"]["net"]

    def test_strikes_may_be_those_next_to_spot_alone(self, make_site: Make, browse: Browse) -> None:
        user = browse(make_site().app)
        every = user.open("/api/gex/SPX").get_json()

        near = user.open("/api/gex/SPX?strikes=2").get_json()["strikes"]
        none = user.open("/api/gex/SPX?strikes=0").get_json()["strikes"]

        below = [row for row in every["strikes"] if row["strike"] <= every["spot"]]
        above = [row for row in every["strikes"] if row["strike"] > every["spot"]]
        assert near == below[-2:] + above[:2]
        assert none == []

    @pytest.mark.parametrize(
        "query, field",
        [
            ("", "symbol"),
            ("?symbol=S%20P", "symbol"),
            ("?symbol=SPX&strikes=-1", "strikes"),
            ("?symbol=SPX&strikes=many", "strikes"),
            ("?symbol=SPX&expiry=friday", "expiry"),
            ("?symbol=SPX&expiry=2026-02-30", "expiry"),
            ("?symbol=SPX&unit=usd", "unit"),
            ("?symbol=SPX&gamma=guess", "gamma"),
        ],
    )
    def test_a_wrong_value_is_named_and_nothing_is_asked(
        self, make_site: Make, browse: Browse, query: str, field: str
    ) -> None:
        site = make_site()

        answer = browse(site.app).open(f"/api/gex{query}")

        assert (answer.status_code, answer.get_json()["error"]["field"]) == (422, field)
        assert site.machine.calls == []

    @pytest.mark.parametrize(
        "state, status, code",
        [("no_chain", 404, "no_chain"), ("refused", 422, "refused"), ("loading", 503, "loading")],
    )
    def test_an_underlying_without_numbers_is_said_so_in_its_own_words(
        self, make_site: Make, browse: Browse, state: str, status: int, code: str
    ) -> None:
        site = make_site()
        told = {"status": {"state": state, "text": "vix_needs_future"}}
        site.machine.answers["gex.levels"] = lambda **_: {**make_payload("SPX", "all"), **told}

        answer = browse(site.app).open("/api/gex/VIX")

        assert answer.status_code == status
        error = answer.get_json()["error"]
        assert (error["code"], error["message"]) == (code, "vix_needs_future")

    def test_nobody_there_is_503(self, make_site: Make, browse: Browse) -> None:
        site = make_site()
        del site.machine.questions._answerers["gex.levels"]

        answer = browse(site.app).open("/api/gex/SPX")

        assert answer.status_code == 503
        assert "nobody answers" in answer.get_json()["error"]["message"]


class TestChain:
    def test_it_is_csv_that_reads_back_and_runs_nothing(
        self, make_site: Make, browse: Browse
    ) -> None:
        site = make_site()

        answer = browse(site.app).open("/api/chain/SPX.csv?expiry=0dte")

        assert answer.content_type == "text/csv; charset=utf-8"
        rows = list(csv.reader(io.StringIO(answer.get_data(as_text=True))))
        assert rows == [
            ["contract", "strike", "iv", "note"],
            ["SPXW261216C06000000", "6000.0", "", "'=1+1"],
            ['é,"', "-1.5", "0.1", "true"],
        ]
        assert asked(site, "gex.chain") == [{"symbol": "SPX", "view": "0dte"}]

    @pytest.mark.parametrize(
        "path, name",
        [
            ("/api/chain/SPX.csv", "SPX-chain-20261216T193207.csv"),
            ("/api/chain.csv?symbol=/es", "_ES-chain-20261216T193207.csv"),
            ("/api/chain/brk.b.csv", "BRK_B-chain-20261216T193207.csv"),
        ],
    )
    def test_the_file_is_named_after_symbol_and_time(
        self, make_site: Make, browse: Browse, path: str, name: str
    ) -> None:
        answer = browse(make_site().app).open(path)

        assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'


class TestHistory:
    def test_a_session_comes_whole(self, make_site: Make, browse: Browse) -> None:
        site = make_site()

        found = browse(site.app).open("/api/history/gex?symbol=spx&date=2026-12-15").get_json()

        assert asked(site, "gex.history") == [{"symbol": "SPX", "date": "2026-12-15"}]
        assert found["date"] == "2026-12-15"
        assert len(found["net"]) == len(found["minutes"]) == 303

    @pytest.mark.parametrize(
        "at",
        ["1797449520000", "2026-12-16T19:32:00Z", "2026-12-16T14:32:00-05:00",
         "2026-12-16T20:32:00+01:00", "2026-12-16T20:32:00%2B01:00"],
    )  # fmt: skip
    def test_one_minute_is_named_in_milliseconds_or_as_a_time(
        self, make_site: Make, browse: Browse, at: str
    ) -> None:
        site = make_site()

        answer = browse(site.app).open(f"/api/history/gex?symbol=SPX&at={at}")

        assert answer.status_code == 200
        assert asked(site, "gex.minute") == [{"symbol": "SPX", "at_ms": 1797449520000}]
        assert "columns" in answer.get_json()

    @pytest.mark.parametrize(
        "query, status, field",
        [
            ("symbol=SPX&at=noon", 422, "at"),
            ("symbol=SPX&at=2026-12-16T14:32:00", 422, "at"),
            ("symbol=SPX&at=" + "9" * 15, 422, "at"),
            ("symbol=SPX&at=-5", 422, "at"),
            ("symbol=SPX&at=0", 404, "at"),
            ("symbol=SPX&date=20261216", 422, "date"),
            ("symbol=SPX&view=0dte", 422, "view"),
            ("date=2026-12-16", 422, "symbol"),
        ],
    )
    def test_what_cannot_be_answered_is_named(
        self, make_site: Make, browse: Browse, query: str, status: int, field: str
    ) -> None:
        answer = browse(make_site().app).open(f"/api/history/gex?{query}")

        assert (answer.status_code, answer.get_json()["error"]["field"]) == (status, field)


@given(st.text(max_size=30) | st.text("0123456789-,d ", max_size=40))
def test_a_view_is_in_one_spelling_or_refused(text: str) -> None:
    refused, view = None, ""
    try:
        view = normal_view(text, "view")
    except Refusal as refusal:
        refused = refusal

    assert (refused is None) == bool(view)
    assert refused is None or (refused.status, refused.field) == (422, "view")
    assert not view or normal_view(view, "view") == view == "".join(view.split()).lower()


@pytest.mark.parametrize("symbol", ["SPX", "BRK/B", "/ES", "X.Y"])
def test_the_address_of_a_symbol_opens_its_page(
    make_site: Make, browse: Browse, symbol: str
) -> None:
    answer = browse(make_site().app).open(page_of(symbol))

    assert answer.status_code in (200, 302)
