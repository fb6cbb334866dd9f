"""A whole site over small fakes: templates of one line, controls that note what they are told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import flask
import pytest

from grok_sauce.controls import Controls
from grok_sauce.desks.forex_blackout import blackout
from grok_sauce.desks.gex_signal import signal
from grok_sauce.errors import SettingsError
from grok_sauce.publishers.snapshot import Snapshot
from grok_sauce.questions import Questions
from grok_sauce.runtime.clock import ManualClock
from grok_sauce.runtime.concurrency import spawn
from grok_sauce.settings import Settings, SettingsStore
from grok_sauce.update import Update
from grok_sauce.web.app import create_app
from grok_sauce.web.settings import WebSettings
from grok_sauce.web.site import WebDeps
from tests.browser.butterfly_plan import make_candidates, make_plan, without_chain
from tests.browser.chart_payload import make_candles
from tests.browser.gex_payload import make_history, make_payload
from tests.browser.signals_payload import make_afternoon
from tests.browser.studies_payload import make_studies

ROOT = Path(__file__).parents[2]
PASSWORD = "correct horse battery"
TOKEN = "t" * 32
SECRET_MARK = "canary-4f2a"
COLUMNS = (
    *("call_gex", "put_gex", "net_gex", "call_oi", "put_oi", "call_volume", "put_volume"),
    *("call_iv", "put_iv"),
)

FRAME = (
    '<meta name="csrf-token" content="{{ csrf_token }}">'
    '<script nonce="{{ csp_nonce }}"></script>{{ page }}|{{ display.theme }}|{{ version }}|'
    "{% for entry in pages %}[{{ entry.path }} {{ entry.key }}]{% endfor %}"
    "|{{ signed_in }}|{{ health is none }}|{{ settings_problem }}|"
)
TEMPLATES = {
    "indicator.html": FRAME
    + "{% for row in rows %}<td>{{ row.symbol }} {{ row.age|format_age }} {{ row.name }}</td>"
    "{% endfor %}{{ epoch }} {{ seq }}"
    '<script type="application/json" nonce="{{ csp_nonce }}">{{ rows|script_json }}</script>',
    "gex.html": FRAME
    + "{{ symbol }} {{ symbols|join(',') }} {{ view }} {{ unit }} {{ epoch }} {{ seq }}|"
    "{% if payload %}{{ payload.status.state }} {{ payload.spot }} {{ payload.status.text }}"
    "{% else %}nothing{% endif %}",
    "chart.html": FRAME + "{{ symbol }} {{ timeframe }} {{ hours }} {{ epoch }} {{ seq }}|"
    "{{ candles.bars|length if candles else problem }}",
    "butterfly.html": FRAME
    + "{{ plan.symbol }} {{ plan.status.state }} {{ saved.candidates|length }} {{ epoch }} "
    "{{ seq }}",
    "news.html": FRAME + "{{ shown|length }} {{ epoch }} {{ seq }}",
    "calendar.html": FRAME + "{{ days|length }} {{ currency }} {{ impact }} {{ epoch }} {{ seq }}",
    "alerts.html": FRAME + "{{ tab }} {{ epoch }} {{ seq }} {{ router_url }}|{{ absent }}|"
    "{% if log %}{% for row in log.rows %}<td>{{ row.ticker or row.what }} {{ row.state }}</td>"
    "{% endfor %}{{ log.numbers.text }}{% endif %}|{% if detail %}{{ detail.body }}{% endif %}|"
    "{{ security }}|{{ audit }}",
    "strategies.html": FRAME + "{{ epoch }} {{ seq }} {{ router_url }}|{{ absent }}|"
    "{% if tree %}{{ tree.strategies[0].name }} {{ numbers.text }} {{ tokens.rows|length }}"
    "{% endif %}",
    "setup.html": FRAME + "{{ revision }} {{ first_run }} {{ settings.gex.expiries }}",
    "signals.html": FRAME
    + "{{ state.text if state else problem }} {{ lines|length }} {{ evaluation }} "
    "{{ epoch }} {{ seq }}",
    "forex.html": FRAME + "{{ token.masked }} {{ trades.total }} {{ epoch }} {{ seq }}",
    "status.html": FRAME + "{{ asset('css/base.css') }} {{ asset('css/none.css') }}",
    "login.html": FRAME + "{{ error }}|{{ next }}",
    "error.html": FRAME + "{{ code }} {{ title }} {{ message }} {{ advice }}",
}


def row(symbol: str, order: int, **values: Any) -> dict[str, Any]:
    """One row of the table, mostly unknown."""
    return {
        "symbol": symbol,
        "name": f"{symbol} fund",
        "group": "positive",
        "order": order,
        "price": 600.42,
        "volume": None,
        "rvol": None,
        "as_of": "2026-12-16T19:32:06.700Z",
        "age": 0.3,
        **values,
    }


def health_report(now: float, **values: Any) -> dict[str, Any]:
    """A report as the machine publishes it."""
    return {
        "ok": True,
        "problems": [],
        "mode": {"name": "DEMO", "detail": "", "seed": 42},
        "clock": {"market_ms": int(now * 1000), "wall_ms": int(now * 1000), "speed": 1.0},
        "session": {
            "state": "open", "label": "Open", "ends_ms": None, "next_label": "closes",
            "half_day": False, "holiday": None,
        },
        "next_event": None,
        "sources": [
            {
                "name": "dxlink", "label": 'dx"Link', "state": "live", "mark": "fresh",
                "detail": "", "age": 0.1, "rate": 1904.0, "restarts": 1, "last_error": None,
                "last_error_at": None, "next_try": None, "required": True,
            }
        ],
        "router": {"mark": "off", "text": ""},
        "workers": [],
        "loop": {"p50": 2.0, "p99": 9.0, "max": 41.0, "minutes": [3.0]},
        "queues": [{"name": "feed", "depth": 12, "limit": 20000}],
        "clients": [],
        "sockets": {"open": 4, "limit": 4000},
        "memory_mb": 61.5,
        "up_since_ms": int(now * 1000) - 60_000,
        "feed_rate": None,
        "feed_peak": None,
        "tick_ms": None,
        "machine": [["Version", "0.1.0"]],
        "errors": [],
        **values,
    }  # fmt: skip


def _watched(symbol: str | None) -> None:
    if symbol not in (None, "/NQ", "/MNQ"):
        raise SettingsError("symbol must be one that is watched: /NQ, /MNQ", "symbol")


def _switched(on: bool) -> dict[str, Any]:
    return {"strategy": "GEX_RECOIL", "enabled": on, "symbols": ["/NQ", "/MNQ"]}


class Machine:
    """What the machine would register, noting every call."""

    def __init__(self, store: SettingsStore) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.controls = Controls()
        self.questions = Questions(spawn)
        self.controls.register("settings.save", store.save)
        self.controls.register("settings.import", store.import_document)
        self.controls.register("credentials.save", self._noted("credentials.save", {
            "saved": True, "restart": "Sources restart now.",
        }))  # fmt: skip
        self.controls.register("source.retry", self._noted("source.retry", None))
        self.secrets = {"CLIENT_SECRET": True, "REFRESH_TOKEN": False}
        self.questions.register("settings.read", lambda: {**store.read(), "secrets": self.secrets})
        self.questions.register("symbols.search", self._noted("symbols.search", {
            "results": [
                {"symbol": "NVDA", "name": "NVIDIA", "kind": "equity", "has_options": True,
                 "last": 176.32}
            ]
        }))  # fmt: skip
        self.questions.register("symbols.check", self._noted("symbols.check", {
            "ok": False, "symbol": "ZZZZ", "name": None, "kind": None, "has_options": None,
            "last": None, "reason": "not offered by this source",
        }))  # fmt: skip
        self.questions.register("credentials.test", self._noted("credentials.test", {
            "checks": [{"name": "Sign-in", "ok": None, "text": "not run", "cure": None}],
            "passed": False,
        }))  # fmt: skip

        self._answer_gex()
        self._answer_butterfly()

    def _answer_butterfly(self) -> None:
        """What the planner answers: a plan, one candidate, and refusals in words."""
        plan, saved = make_plan(), make_candidates()

        def price(**asked: str) -> Any:
            if asked.get("center") == "abc":
                return {"invalid": {"field": "center", "message": "center must be a number."}}
            return plan if asked.get("symbol", "SPX") == "SPX" else without_chain(asked["symbol"])

        def remove(id: str) -> Any:
            if id != "abc":
                raise SettingsError("There is no candidate of that id.", "id")
            return {"candidates": [], "problem": None}

        def save(**asked: str) -> Any:
            if asked.get("center") == "6007":
                raise SettingsError("6,007 is not listed.")
            return saved["candidates"][0]

        for door, name, act in (
            (self.questions, "butterfly.price", price),
            (self.questions, "butterfly.candidates", lambda: saved),
            (self.controls, "butterfly.save", save),
            (self.controls, "butterfly.remove", remove),
        ):
            door.register(name, self._telling(name, act))

    def _telling(self, name: str, act: Callable[..., Any]) -> Callable[..., Any]:
        def told(**params: Any) -> Any:
            self.calls.append((name, params))
            return act(**params)

        return told

    def _answer_gex(self) -> None:
        """What the options part answers, of one known underlying."""
        payload, day = make_payload("SPX", "all"), make_history()
        names = ("strike", *COLUMNS)
        rows = [
            dict(zip(names, values, strict=True))
            for values in zip(*(payload["columns"][name] for name in names), strict=True)
        ]
        found = {**payload, "strikes": rows}
        none = {**payload, "status": {"state": "no_chain", "text": "ZZZZ has no options."}}
        self.answers: dict[str, Any] = {
            "gex.levels": lambda symbol, **_: none if symbol == "ZZZZ" else found,
            "gex.chain": lambda **_: {
                "header": ["contract", "strike", "iv", "note"],
                "rows": [["SPXW261216C06000000", 6000.0, None, "=1+1"], ["é,\"", -1.5, 0.1, True]],
                "as_of": payload["as_of"],
            },
            "gex.history": lambda date=None, **_: {
                **day, "view": "all", "unit": "usd_per_1pct", "date": date or day["date"],
                **dict.fromkeys(("zero_gamma_0dte", "zero_gamma_ex_0dte"), day["zero_gamma"]),
                **dict.fromkeys(("net_gex", "call_gex", "put_gex"), day["spot"]),
                "net": [[round(value) for value in row] for row in day["net"]],
                "change": {
                    **dict.fromkeys(("since_open", "hour", "five"), [None] * len(day["strikes"])),
                    "since": dict.fromkeys(("since_open", "hour", "five")),
                },
            },
            "studies": lambda symbol: make_studies(symbol),
            "reactions.history": lambda title, currency: {
                "title": title, "currency": currency, "releases": []
            },
            "gex.minute": lambda symbol, at_ms: payload if at_ms else None,
            "gex.last": lambda symbol: None,
            "forex.advice": lambda: {
                "time_zone": "America/Chicago", "utc_offset_minutes": -360, "in_hours": True,
                "as_of": "2026-12-16T14:32:07Z",
            },
            "forex.blackout": lambda symbol="": blackout(None, 1797449527.0, 2, 2),
            "forex.trades": lambda limit=50: {"total": 0, "keep": 50_000, "trades": []},
            "forex.trade": lambda trade: "stored",
            "signals.state": lambda symbol=None: _watched(symbol) or make_afternoon()["state"],
            "signals.evaluations": lambda **_: make_afternoon()["evaluations"],
            "signals.evaluation": lambda seq: next(
                (each for each in make_afternoon()["evaluations"] if each["seq"] == seq), None
            ),
            "signals.trades": lambda **_: make_afternoon()["trades"],
            "strategy.enable": lambda symbol: _watched(symbol) or _switched(True),
            "strategy.disable": lambda symbol: _watched(symbol) or _switched(False),
            "chart.candles": lambda **_: make_candles(),
            "chart.open": lambda **_: make_candles(),
            "gex.e80": lambda: signal(payload, from_cache=False),
            "gex.refresh": lambda force: signal(payload, from_cache=not force),
        }  # fmt: skip
        for name in self.answers:
            acts = name in ("gex.refresh", "forex.trade") or name.startswith("strategy.")
            register = (self.controls if acts else self.questions).register
            register(name, self._answered(name))

    def _answered(self, name: str) -> Callable[..., Any]:
        def act(**params: Any) -> Any:
            self.calls.append((name, params))
            return self.answers[name](**params)

        return act

    def _noted(self, name: str, answer: Any) -> Callable[..., Any]:
        def act(**params: Any) -> Any:
            self.calls.append((name, params))
            return answer

        return act


@pytest.fixture
def make_site(tmp_path: Path, clock: ManualClock) -> Callable[..., SimpleNamespace]:
    """make_site(rows, health, real templates, **knobs) -> app, snapshot, machine, store, deps."""

    def make(
        rows: bool = True,
        health: bool = True,
        real: bool = False,
        alerts: Any = None,
        router_url: str | None = None,
        **knobs: Any,
    ) -> SimpleNamespace:
        templates, static = tmp_path / "templates", tmp_path / "static"
        for name, text in TEMPLATES.items():
            templates.mkdir(exist_ok=True)
            (templates / name).write_text(text, "utf-8")
        (static / "css").mkdir(parents=True, exist_ok=True)
        (static / "css" / "base.css").write_text("body{}", "utf-8")
        store = SettingsStore(tmp_path / "settings.json", keep=tmp_path / "data" / "settings")
        store.load()
        machine = Machine(store)
        snapshot = Snapshot("e1")
        if rows:
            named = row("XLF", 1, name="</script><b>", as_of=None)
            snapshot.publish([Update("indicator.rows", "XLF", named),
                              Update("indicator.rows", "SPY", row("SPY", 0))])  # fmt: skip
        if health:
            snapshot.publish([Update("service.health", "", health_report(clock.real()))])
        deps = WebDeps(
            snapshot=snapshot,
            controls=machine.controls,
            questions=machine.questions,
            settings_store=store,
            clock=clock,
            data_dir=tmp_path / "data",
            web=replace(WebSettings(), **knobs),
            templates=ROOT / "templates" if real else templates,
            static=ROOT / "static" if real else static,
            alerts=alerts,
            router_url=router_url,
        )
        app = create_app(deps)
        app.config["PROPAGATE_EXCEPTIONS"] = False
        return SimpleNamespace(
            app=app, snapshot=snapshot, machine=machine, store=store, clock=clock, deps=deps,
            tmp_path=tmp_path,
        )  # fmt: skip

    return make


class Browser:
    """A client with cookies that opens pages and sends what a page would send."""

    def __init__(self, app: flask.Flask, **environ: str) -> None:
        # A Cookie given by hand would be taken away by the client's own jar.
        self.http = app.test_client(use_cookies="HTTP_COOKIE" not in environ)
        self.environ = {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "127.0.0.1:5010", **environ}

    def open(self, path: str, method: str = "GET", **options: Any) -> Any:
        environ = {**self.environ, **options.pop("environ", {})}
        base = f"{environ.get('wsgi.url_scheme', 'http')}://{environ['HTTP_HOST']}"
        environ.pop("wsgi.url_scheme", None)
        return self.http.open(
            path, method=method, base_url=base, environ_overrides=environ, **options
        )

    def cookie(self) -> str:
        """The session cookie as a header's text."""
        name = "grok_sauce_5010"
        return f"{name}={self.http.get_cookie(name, '127.0.0.1').value}"

    def token(self, path: str = "/setup") -> str:
        """The CSRF token of a page."""
        text = self.open(path).get_data(as_text=True)
        return text.partition('name="csrf-token" content="')[2].partition('"')[0]

    def write(self, path: str, body: Any, method: str = "POST", **headers: str) -> Any:
        """A write as the page's script sends it."""
        sent = {"X-CSRF-Token": self.token(), "Origin": "http://" + self.environ["HTTP_HOST"]}
        return self.open(path, method, json=body, headers={**sent, **headers})

    def sign_in(self, password: str = PASSWORD, target: str = "") -> Any:
        """Send the form of /login."""
        form = {"password": password, "csrf_token": self.token("/login"), "next": target}
        return self.open("/login", "POST", data=form)


@pytest.fixture
def browse() -> Callable[..., Browser]:
    """browse(app, **environ) -> Browser."""
    return Browser


def merged(*parts: Mapping[str, str]) -> dict[str, str]:
    """Mappings put together."""
    return {key: value for part in parts for key, value in part.items()}


__all__ = ["PASSWORD", "TOKEN", "Browser", "Settings", "health_report", "merged", "row"]
