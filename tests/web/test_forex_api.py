"""The EA exchange over HTTP: whose writes are taken, what a body may be, what is told."""

from __future__ import annotations

import csv
import io
import json
import stat
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from grok_sauce.desks.forex import ForexDesk
from grok_sauce.errors import SettingsError, StartupError
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.web.app import OPENAPI
from grok_sauce.web.errors import Refusal
from grok_sauce.web.forex_token import ForexToken
from grok_sauce.web.forex_trades import FIELDS, read_trade
from grok_sauce.web.settings import WebSettings

Make = Callable[..., SimpleNamespace]
Browse = Callable[..., Any]
FILE: dict[str, Any] = json.loads(OPENAPI.read_text("utf-8"))
NOW = 1_797_449_527.0
TRADE: dict[str, Any] = {
    "ticket": 10_001, "symbol": "EURUSD", "type": "BUY", "entry": 1.0853, "sl": 1.0833, "tp": 0,
    "status": "open", "time": 1_797_449_500,
}  # fmt: skip
PASSWORD = "correct horse battery"
HEADER = "X-Forex-Token"


def fits(method: str, path: str, answer: Any) -> list[str]:
    """What of an answer is not as documented."""
    found = FILE["paths"][path][method]["responses"][str(answer.status_code)]
    schema = {**found["content"]["application/json"]["schema"], "components": FILE["components"]}
    return [error.message for error in Draft202012Validator(schema).iter_errors(answer.get_json())]


@pytest.fixture
def site(make_site: Make, clock: ManualClock) -> SimpleNamespace:
    """A site over a real desk; make(**knobs) another one of the same kind."""

    def make(**knobs: Any) -> SimpleNamespace:
        made = make_site(**knobs)
        desk = ForexDesk(
            made.tmp_path / "forex.db",
            lambda: made.store.settings.forex,
            made.snapshot,
            made.snapshot.publish,
            clock,
        )
        made.machine.answers |= {
            "forex.trade": desk.take, "forex.trades": desk.trades, "forex.advice": desk.advice,
            "forex.blackout": desk.blackout,
        }  # fmt: skip
        made.token = (made.tmp_path / "data" / "forex_token").read_text("ascii").strip()
        made.make = make
        return made

    return make()


def tell(site: SimpleNamespace, browse: Browse, body: Any = TRADE, **headers: str) -> Any:
    return browse(site.app).open(
        "/forex_trades", "POST", json=body, headers={HEADER: site.token} | headers
    )


class TestToken:
    def test_it_is_made_once_for_the_owner_alone(self, site: SimpleNamespace) -> None:
        path: Path = site.tmp_path / "data" / "forex_token"

        again = site.make()

        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert len(site.token) >= 43
        assert again.token == site.token

    def test_a_local_program_without_it_changes_nothing(
        self, site: SimpleNamespace, browse: Browse
    ) -> None:
        answer = browse(site.app).open("/forex_trades", "POST", json=TRADE)

        assert answer.status_code == 401
        assert HEADER in answer.get_json()["error"]["message"]
        assert fits("post", "/forex_trades", answer) == []
        assert site.machine.answers["forex.trades"]()["total"] == 0

    @pytest.mark.parametrize("wrong", ["", "x" * 43, "a" * 4000, "é" * 43])
    def test_a_wrong_one_is_refused_and_counted(
        self, site: SimpleNamespace, browse: Browse, wrong: str
    ) -> None:
        answer = tell(site, browse, **{HEADER: wrong})

        assert answer.status_code == 401
        assert site.token not in answer.get_data(as_text=True)

    def test_many_wrong_ones_are_not_even_looked_at(
        self, site: SimpleNamespace, browse: Browse
    ) -> None:
        answers = [tell(site, browse, **{HEADER: "x" * 43}).status_code for _ in range(31)]

        assert answers == [401] * 30 + [429]

    def test_the_pages_own_token_may_write_too(self, site: SimpleNamespace, browse: Browse) -> None:
        answer = browse(site.app).write("/forex_trades", TRADE)

        assert answer.status_code == 201

    def test_it_opens_what_an_advisor_reads_and_nothing_else(
        self, site: SimpleNamespace, browse: Browse
    ) -> None:
        closed = site.make(dashboard_password=PASSWORD)
        user, headers = browse(closed.app), {HEADER: closed.token}

        def status(path: str, given: dict[str, str], method: str = "GET") -> int:
            code: int = user.open(path, method, headers=given).status_code
            return code

        for path in ("/forex_settings_json", "/api/forex/settings", "/api/forex/blackout"):
            assert (status(path, {}), status(path, headers)) == (401, 200)
        for path in ("/api/forex/trades", "/api/settings", "/api/forex/trades.csv"):
            assert status(path, headers) == 401
        assert status("/api/forex/token/reveal", headers, "POST") == 401
        assert tell(closed, browse).status_code == 201

    def test_the_page_shows_it_masked_and_the_button_whole(
        self, site: SimpleNamespace, browse: Browse
    ) -> None:
        real = site.make(real=True)
        user = browse(real.app)

        text = user.open("/forex").get_data(as_text=True)
        shown = user.write("/api/forex/token/reveal", {})

        assert real.token not in text
        assert "••••••••" + real.token[-4:] in text
        assert shown.get_json()["token"] == real.token
        assert fits("post", "/api/forex/token/reveal", shown) == []

    def test_a_new_one_shuts_the_old_one_out(self, site: SimpleNamespace, browse: Browse) -> None:
        answer = browse(site.app).write("/api/forex/token", {})

        fresh = answer.get_json()["token"]
        assert answer.status_code == 201
        assert fits("post", "/api/forex/token", answer) == []
        assert tell(site, browse).status_code == 401
        assert tell(site, browse, **{HEADER: fresh}).status_code == 201
        assert site.make().token == fresh

    def test_one_of_env_goes_first_and_is_changed_there(
        self, site: SimpleNamespace, browse: Browse
    ) -> None:
        given = site.make(forex_token="g" * 24)

        taken = tell(given, browse, **{HEADER: "g" * 24})
        refused = browse(given.app).write("/api/forex/token", {})

        assert taken.status_code == 201
        assert refused.status_code == 422
        assert ".env" in refused.get_json()["error"]["message"]
        assert tell(given, browse).status_code == 401

    @pytest.mark.parametrize("text", ["", "short", "line\nline", "x" * 200])
    def test_a_damaged_file_says_what_to_do(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "forex_token").write_text(text)

        with pytest.raises(StartupError, match="delete it"):
            ForexToken(tmp_path / "forex_token")

    @pytest.mark.parametrize("text", ["short", "spaces in the middle of it", "x" * 129])
    def test_a_wrong_one_in_env_is_refused_without_being_told(self, text: str) -> None:
        with pytest.raises(SettingsError) as caught:
            WebSettings(forex_token=text)

        assert text not in str(caught.value)


class TestTrades:
    def test_a_trade_is_kept_and_told(self, site: SimpleNamespace, browse: Browse) -> None:
        answer = tell(site, browse)

        told = browse(site.app).open("/api/forex/trades")
        assert (answer.status_code, answer.get_json()) == (201, {"status": "stored"})
        assert fits("get", "/api/forex/trades", told) == []
        (kept,) = told.get_json()["forex"]["trades"]
        assert kept == {
            "seq": 1, "ticket": 10_001, "symbol": "EURUSD", "type": "buy", "entry": 1.0853,
            "sl": 1.0833, "tp": None, "status": "open", "time": "2026-12-16T19:31:40Z",
            "received": "2026-12-16T19:32:07Z",
        }  # fmt: skip

    def test_sent_again_it_is_a_duplicate_and_other_values_a_conflict(
        self, site: SimpleNamespace, browse: Browse
    ) -> None:
        tell(site, browse)

        again = tell(site, browse)
        other = tell(site, browse, {**TRADE, "entry": 1.09})

        assert (again.status_code, again.get_json()) == (200, {"status": "duplicate"})
        assert other.status_code == 409
        assert fits("post", "/forex_trades", other) == []

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("ticket", 0), ("ticket", -1), ("ticket", 2**53), ("ticket", 1.5), ("ticket", True),
            ("ticket", "12a"), ("ticket", "٣"), ("ticket", None),
            ("symbol", ""), ("symbol", "=cmd()"), ("symbol", "E" * 25), ("symbol", 5),
            ("symbol", "EUR USD"), ("symbol", "<b>"),
            ("type", "hold"), ("type", 0), ("type", ""), ("status", "done"), ("status", None),
            ("entry", 0), ("entry", -1.0), ("entry", "1.08"), ("entry", True), ("entry", 1e10),
            ("entry", None), ("sl", -1), ("sl", False), ("sl", "0"), ("tp", [1]), ("tp", ""),
            ("time", "2026.12.16 14:32:07"), ("time", "2026-12-16T14:32:07"), ("time", 0),
            ("time", 1_797_449_500_000), ("time", NOW + 90_000), ("time", True),
            ("time", 1_797_449_500.5), ("time", None), ("time", "x" * 5000),
        ],
    )  # fmt: skip
    def test_a_wrong_value_is_422_at_its_field(
        self, site: SimpleNamespace, browse: Browse, field: str, value: Any
    ) -> None:
        answer = tell(site, browse, {**TRADE, field: value})

        assert answer.status_code in (413, 422)
        assert answer.status_code == 413 or answer.get_json()["error"]["field"] == field
        assert site.machine.answers["forex.trades"]()["total"] == 0

    @pytest.mark.parametrize("field", FIELDS)
    def test_a_missing_field_is_named(
        self, site: SimpleNamespace, browse: Browse, field: str
    ) -> None:
        answer = tell(site, browse, {k: v for k, v in TRADE.items() if k != field})

        assert (answer.status_code, answer.get_json()["error"]["field"]) == (422, field)

    def test_a_field_too_many_and_a_body_too_large_are_refused(
        self, site: SimpleNamespace, browse: Browse
    ) -> None:
        more = tell(site, browse, {**TRADE, "comment": "x"})
        large = tell(site, browse, {**TRADE, "comment": "x" * 5000})

        assert (more.status_code, large.status_code) == (422, 413)

    def test_more_than_two_a_second_for_a_minute_are_told_to_wait(
        self, site: SimpleNamespace, browse: Browse
    ) -> None:
        answers = [tell(site, browse).status_code for _ in range(121)]

        assert answers == [201] + [200] * 119 + [429]

    @pytest.mark.parametrize(
        ("given", "ms"),
        [
            (1_797_449_500, 1_797_449_500_000),
            ("2026-12-16T19:31:40Z", 1_797_449_500_000),
            ("2026-12-16T14:31:40-05:00", 1_797_449_500_000),
        ],
    )
    def test_times_with_a_zone_are_one_instant(self, given: Any, ms: int) -> None:
        assert read_trade({**TRADE, "time": given}, NOW)["time"] == ms

    @hypothesis_settings(
        max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(
        st.fixed_dictionaries(
            {
                name: st.one_of(
                    st.just(TRADE[name]), st.none(), st.booleans(), st.integers(), st.floats(),
                    st.text(max_size=30), st.lists(st.integers(), max_size=2),
                )
                for name in FIELDS
            }
        )
    )  # fmt: skip
    def test_any_values_are_a_trade_or_a_refusal_that_names_a_field(
        self, body: dict[str, Any]
    ) -> None:
        wrong: Refusal | None = None
        try:
            found = read_trade(body, NOW)
        except Refusal as problem:
            wrong = problem

        if wrong is not None:
            assert (wrong.status, wrong.field in FIELDS) == (422, True)
        else:
            assert 1 <= found["ticket"] < 2**53
            assert 0 < found["entry"] <= 1e9
            assert all(found[name] is None or found[name] > 0 for name in ("sl", "tp"))

    def test_csv_has_every_trade_and_no_zero_for_none(
        self, site: SimpleNamespace, browse: Browse
    ) -> None:
        for ticket in range(1, 61):
            tell(site, browse, {**TRADE, "ticket": ticket})

        answer = browse(site.app).open("/api/forex/trades.csv")

        rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True))))
        assert [int(row["ticket"]) for row in rows] == list(range(60, 0, -1))
        assert {row["tp"] for row in rows} == {""}
        assert "attachment" in answer.headers["Content-Disposition"]

    @pytest.mark.parametrize("limit", ["0", "1001", "-1", "x", "1.0", ""])
    def test_a_limit_that_is_none_is_422(
        self, site: SimpleNamespace, browse: Browse, limit: str
    ) -> None:
        answer = browse(site.app).open(f"/api/forex/trades?limit={limit}")

        assert (answer.status_code, answer.get_json()["error"]["field"]) == (422, "limit")


class TestReads:
    def test_the_old_names_stay(self, site: SimpleNamespace, browse: Browse) -> None:
        answer = browse(site.app).open("/forex_settings_json")

        told = answer.get_json()
        assert fits("get", "/forex_settings_json", answer) == []
        assert {name: told[name] for name in list(told)[:9]} == {
            "FastEMA": 20, "SlowEMA": 50, "RSI": 14, "LotSize": 0.01, "SL": 20, "TP": 40,
            "MaxDailyLoss": 3, "StartHourCST": 2, "EndHourCST": 9,
        }  # fmt: skip
        assert (told["TimeZone"], told["UTCOffsetMinutes"]) == ("America/Chicago", -360)
        assert told["InHours"] is False  # 13:32 in Chicago

    def test_a_saved_change_reaches_the_advisor(
        self, site: SimpleNamespace, browse: Browse
    ) -> None:
        user = browse(site.app)
        body = {"revision": site.store.revision, "settings": {"forex": {"fast_ema": 13}}}

        saved = user.write("/api/settings", body, "PUT")

        told = user.open("/api/forex/settings")
        assert saved.get_json()["changes"] == ["EA fast EMA 20 → 13"]
        assert fits("get", "/api/forex/settings", told) == []
        assert told.get_json()["settings"]["fast_ema"] == 13
        assert user.open("/forex_settings_json").get_json()["FastEMA"] == 13

    def test_no_calendar_is_null_and_never_false(
        self, site: SimpleNamespace, browse: Browse
    ) -> None:
        answer = browse(site.app).open("/api/forex/blackout?symbol=EURUSD")

        assert fits("get", "/api/forex/blackout", answer) == []
        assert answer.get_json()["active"] is None
        assert '"active":null' in answer.get_data(as_text=True)

    def test_a_symbol_that_is_none_is_422(self, site: SimpleNamespace, browse: Browse) -> None:
        answer = browse(site.app).open("/api/forex/blackout?symbol=%3Cb%3E")

        assert (answer.status_code, answer.get_json()["error"]["field"]) == (422, "symbol")

    def test_reading_changes_no_file(self, site: SimpleNamespace, browse: Browse) -> None:
        tell(site, browse)

        def files() -> dict[str, bytes]:
            found = (path for path in site.tmp_path.rglob("*") if path.is_file())
            return {path.name: path.read_bytes() for path in found if "forex" in path.name}

        before = files()
        for path in (
            *("/forex", "/forex_settings_json", "/api/forex/settings"),
            *("/api/forex/blackout", "/api/forex/trades", "/api/forex/trades.csv"),
        ):
            assert browse(site.app).open(path).status_code == 200
        assert browse(site.app).open("/forex_trades").status_code == 405

        assert files() == before

    def test_the_page_is_whole_without_a_script(
        self, site: SimpleNamespace, browse: Browse
    ) -> None:
        real = site.make(real=True)
        tell(real, browse)

        text = browse(real.app).open("/forex").get_data(as_text=True)

        assert "EURUSD" in text
        assert "10001" in text
        assert "News: not known" in text
        assert 'value="0.01"' in text
        assert "None" not in text
