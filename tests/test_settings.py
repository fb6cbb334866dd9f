"""Settings: `.env` knobs, settings.json from any document, and the file that survives."""

from __future__ import annotations

import dataclasses
import importlib
import json
import math
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from dotenv import dotenv_values
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import grok_sauce
from grok_sauce.errors import SettingsError
from grok_sauce.market.instruments import PRODUCTS, normalise
from grok_sauce.settings import (
    MAX_SYMBOLS,
    OLD_NAMES,
    ProcessSettings,
    Settings,
    SettingsConflict,
    SettingsStore,
    as_document,
    changes,
    knob,
    load_environment,
    migrate,
    modernise,
    parse,
    read_env,
    secret_names,
    validate,
    write_env,
    write_whole,
)
from grok_sauce.settings.document import merge
from grok_sauce.settings.old_names import RENAMED
from grok_sauce.settings.readers import symbol
from grok_sauce.web.settings import WebSettings, check_bind

ROOT = Path(__file__).parents[1]
DEFAULTS = as_document(Settings())


def knob_classes() -> list[Any]:
    """Every dataclass of the product that reads the environment."""
    found = {}
    for info in pkgutil.walk_packages(grok_sauce.__path__, "grok_sauce."):
        if info.name.startswith(("grok_sauce.commands.bench", "grok_sauce.bench")):
            continue
        module = importlib.import_module(info.name)
        for value in vars(module).values():
            if isinstance(value, type) and "ENV" in vars(value) and dataclasses.is_dataclass(value):
                found[f"{value.__module__}.{value.__qualname__}"] = value
    return list(found.values())


class TestEnvironment:
    @dataclass(frozen=True)
    class Knobs:
        ENV: ClassVar[dict[str, str]] = {
            "name": "NAME", "count": "COUNT", "wait": "WAIT", "on": "ON", "hosts": "HOSTS",
            "mode": "MODE", "url": "URL", "key": "KEY", "most": "MOST",
        }  # fmt: skip

        name: str = "x"
        count: int = knob(3, low=1, high=10)
        wait: float = knob(2.5, low=0.5)
        on: bool = True
        hosts: tuple[str, ...] = ()
        mode: str = knob("a", choices=("a", "b"))
        url: str = knob("https://api.example", url=True)
        key: str | None = knob(None, secret=True, choices=("right",))
        most: int | None = 7

    @pytest.mark.parametrize(
        "given, field, value",
        [
            ({"NAME": " y "}, "name", "y"),
            ({"COUNT": "10"}, "count", 10),
            ({"WAIT": ".5"}, "wait", 0.5),
            ({"ON": "off"}, "on", False),
            ({"ON": "1"}, "on", True),
            ({"HOSTS": "a, b,,c "}, "hosts", ("a", "b", "c")),
            ({"MODE": "b"}, "mode", "b"),
            ({"URL": "http://127.0.0.1:8080/x"}, "url", "http://127.0.0.1:8080/x"),
            ({"MOST": "none"}, "most", None),
            ({"COUNT": ""}, "count", 3),
            ({"COUNT": "  "}, "count", 3),
        ],
    )
    def test_values_are_read_by_type(self, given: dict[str, str], field: str, value: Any) -> None:
        assert getattr(read_env(self.Knobs, given), field) == value

    @pytest.mark.parametrize(
        "name, raw",
        [("COUNT", "0"), ("COUNT", "11"), ("COUNT", "3.0"), ("COUNT", "1_0"), ("COUNT", "٣"),
         ("COUNT", "1e1"), ("WAIT", "nan"), ("WAIT", "inf"), ("WAIT", "0.4"), ("WAIT", "1,5"),
         ("ON", "maybe"), ("MODE", "c"), ("URL", "api.example"), ("URL", "file:///etc"),
         ("URL", "http://"), ("URL", "http://h:99999"), ("URL", "http://[::1")],
    )  # fmt: skip
    def test_wrong_values_name_the_variable_and_what_they_hold(self, name: str, raw: str) -> None:
        with pytest.raises(SettingsError) as caught:
            read_env(self.Knobs, {name: raw})

        assert caught.value.field == name
        assert str(caught.value).startswith(f"{name} must be ")
        assert raw in str(caught.value)

    def test_a_wrong_secret_is_not_repeated(self) -> None:
        with pytest.raises(SettingsError) as caught:
            read_env(self.Knobs, {"KEY": "canary"})

        assert "canary" not in str(caught.value)
        assert secret_names(self.Knobs) == ("KEY",)

    @pytest.mark.parametrize("mode", ["gevent", "Eventlet", "0"])
    def test_async_mode_is_one_of_two(self, mode: str) -> None:
        with pytest.raises(SettingsError, match="ASYNC_MODE must be one of eventlet, threading"):
            read_env(ProcessSettings, {"ASYNC_MODE": mode})

    def test_the_process_environment_wins_over_the_file(self, tmp_path: Path) -> None:
        path = tmp_path / ".env"
        path.write_text("A=file\nB='p$word ${A}'\nexport C=3 # note\nD\n")

        found = load_environment(path, {"A": "process"})

        assert found == {"A": "process", "B": "p$word ${A}", "C": "3"}

    def test_no_file_is_an_empty_one(self, tmp_path: Path) -> None:
        assert load_environment(tmp_path / ".env", {}) == {}

    def test_a_file_in_another_encoding_is_said(self, tmp_path: Path) -> None:
        path = tmp_path / ".env"
        path.write_bytes("A=ä".encode("utf-16"))

        with pytest.raises(SettingsError, match="save it as UTF-8"):
            load_environment(path, {})


class TestWriteEnv:
    def test_other_lines_stay_and_repeated_ones_go(self, tmp_path: Path) -> None:
        path = tmp_path / ".env"
        path.write_text("# mine\nA=1\nexport KEY=old\n\nKEY=older\nKEYS=x")

        write_env(path, {"KEY": "new", "MORE": "m"}, write_whole)

        assert path.read_text() == "# mine\nA=1\nKEY='new'\n\nKEYS=x\nMORE='m'\n"

    @given(st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), max_size=60))
    @settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_what_is_written_is_read_back(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / ".env"
        value = "".join(char for char in text if char.isprintable())

        write_env(path, {"KEY": value, "AFTER": "1"}, write_whole)

        assert dotenv_values(path, interpolate=False) == {"KEY": value, "AFTER": "1"}

    @pytest.mark.parametrize(
        "value", ["a\nB=1", "a\rB=1", "\x1b[0m", "a\u2028b", "\x00", "\ufeffa"]
    )
    def test_a_value_cannot_add_a_line(self, tmp_path: Path, value: str) -> None:
        path = tmp_path / ".env"

        with pytest.raises(SettingsError, match="copy it again"):
            write_env(path, {"KEY": value}, write_whole)

        assert not path.exists()

    def test_a_name_cannot_either(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match="not a variable name"):
            write_env(tmp_path / ".env", {"A\nB": "1"}, write_whole)


class TestOldNames:
    @pytest.mark.parametrize("name", sorted(OLD_NAMES))
    def test_each_is_answered_without_its_value(self, name: str) -> None:
        _, notices = modernise({name: "canary"})

        assert len(notices) == 1
        assert notices[0].startswith(f"{name}: ")
        assert "canary" not in notices[0]

    @pytest.mark.parametrize("old, new", sorted(RENAMED.items()))
    def test_a_renamed_one_is_taken_over_once(self, old: str, new: str) -> None:
        taken, notices = modernise({old: "a"})
        kept, told = modernise({old: "a", new: "b"})

        assert (taken[new], kept[new]) == ("a", "b")
        assert notices == [f"{old}: taken as {new}; rename the line in .env"]
        assert told == [f"{old}: not used, {new} is set; delete the old line in .env"]

    @pytest.mark.parametrize(
        "environ, url",
        [
            ({"REDIS_HOST": "cache.example"}, "redis://cache.example:6379/0"),
            ({"REDIS_PORT": "7000"}, "redis://localhost:7000/0"),
            ({"REDIS_HOST": "10.0.0.7", "REDIS_PORT": "7000"}, "redis://10.0.0.7:7000/0"),
            ({"REDIS_HOST": "h", "REDIS_URL": "redis://other"}, "redis://other"),
            ({"REDIS_HOST": "user:secret@h"}, None),
            ({"REDIS_HOST": "h", "REDIS_PORT": "70000"}, None),
        ],
    )
    def test_both_halves_of_a_redis_address_become_one(
        self, environ: dict[str, str], url: str | None
    ) -> None:
        values, notices = modernise(environ)

        assert values.get("REDIS_URL") == url
        assert len(notices) == len(environ) - ("REDIS_URL" in environ)
        assert "secret" not in " ".join(notices)

    def test_no_name_is_old_and_in_use(self) -> None:
        in_use = {name for cls in knob_classes() for name in cls.ENV.values()}

        assert not in_use & (set(OLD_NAMES) | set(RENAMED))

    def test_nothing_old_nothing_said(self) -> None:
        assert modernise({"CLIENT_SECRET": "x", "TASTY_USERNAME": ""})[1] == []


class TestExampleFile:
    def lines(self) -> dict[str, str]:
        """Variable -> the lines of comment right above it."""
        found, comment = {}, ""
        for line in (ROOT / ".env.example").read_text("utf-8").splitlines():
            match = re.fullmatch(r"#?([A-Z][A-Z0-9_]*)=(.*)", line)
            if match:
                found[match[1]] = comment
            elif line.startswith("# "):
                comment += line
            else:
                comment = ""
        return found

    def test_every_knob_is_there_and_explained(self) -> None:
        lines = self.lines()
        wanted = {name for cls in knob_classes() for name in cls.ENV.values()}

        assert wanted - set(lines) == set()
        assert [name for name, comment in lines.items() if len(comment) < 20] == []

    def test_nothing_is_there_that_nobody_reads(self) -> None:
        wanted = {name for cls in knob_classes() for name in cls.ENV.values()}

        assert set(self.lines()) - wanted == set()

    def test_as_it_stands_it_changes_nothing(self) -> None:
        values = load_environment(ROOT / ".env.example", {})

        assert [cls for cls in knob_classes() if read_env(cls, values) != cls()] == []


class TestWebKnobs:
    @pytest.mark.parametrize(
        "given, words",
        [
            ({"dashboard_password": "short"}, "at least 8 characters"),
            ({"api_token": "short"}, "at least 24 characters"),
            ({"public_hosts": ("a.example",)}, "add DASHBOARD_PASSWORD"),
            ({"public_hosts": ("https://a.example",)}, "is not a name like"),
            ({"trusted_proxies": ("proxy.example",)}, "is not an address or network"),
            ({"trusted_proxies": ("10.0.0.1/8",)}, "is not an address or network"),
        ],
    )
    def test_what_would_be_unsafe_is_refused(self, given: dict[str, Any], words: str) -> None:
        with pytest.raises(SettingsError, match=words) as caught:
            WebSettings(**given)

        assert "short" not in str(caught.value)

    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "box.local", ""])
    def test_others_are_let_in_only_with_a_password(self, host: str) -> None:
        with pytest.raises(SettingsError, match="add DASHBOARD_PASSWORD"):
            check_bind(WebSettings(), host)
        check_bind(WebSettings(dashboard_password="long enough"), host)

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.53"])
    def test_this_machine_needs_none(self, host: str) -> None:
        check_bind(WebSettings(), host)


class TestDocument:
    def test_the_shipped_file_holds_the_defaults(self) -> None:
        shipped = json.loads((ROOT / "settings.json").read_text("utf-8"))

        assert shipped == DEFAULTS
        assert list(shipped["indicators"]["positive"]) == ["SPY", "XLF", "XLP", "QQQ", "BITO"]
        assert len(validate(shipped).indicators.groups()) == 13

    def test_an_empty_document_is_the_defaults(self) -> None:
        assert validate({}) == Settings()

    @pytest.mark.parametrize(
        "document, path",
        [
            (None, ""), ([], ""), ("x", ""), (3, ""), (True, ""), (math.nan, ""),
            ({"schema": 2}, "schema"), ({"schema": 0}, "schema"), ({"schema": "1"}, "schema"),
            ({"schema": True}, "schema"), ({"schema": None}, "schema"),
            ({"schema": 10**400}, "schema"),
            ({"indicatrs": {}}, "indicatrs"), ({"": 1}, "''"), ({"a\nb": 1}, "'a\\nb'"),
            ({"indicators": []}, "indicators"),
            ({"indicators": {"positive": "SPY"}}, "indicators.positive"),
            ({"indicators": {"positive": [1]}}, "indicators.positive[0]"),
            ({"indicators": {"positive": ["SPY", "spy "]}}, "indicators.positive[1]"),
            ({"indicators": {"positive": ["SPY"], "negative": ["SPY"]}}, "indicators.negative[0]"),
            ({"indicators": {"positive": ["S" * 17]}}, "indicators.positive[0]"),
            ({"indicators": {"neutral": ["<b>"]}}, "indicators.neutral[0]"),
            ({"indicators": {"neutral": ["/ESZ26"]}}, "indicators.neutral[0]"),
            ({"indicators": {"neutral": ["SPY\udcff"]}}, "indicators.neutral[0]"),
            ({"indicators": {"neutral": ["ſPY"]}}, "indicators.neutral[0]"),
            ({"indicators": {"neutral": [f"A{n}" for n in range(201)]}}, "indicators.neutral"),
            ({"sources": {"news": {"interval": 299}}}, "sources.news.interval"),
            ({"sources": {"news": {"interval": 300.5}}}, "sources.news.interval"),
            ({"sources": {"news": {"interval": "600"}}}, "sources.news.interval"),
            ({"sources": {"news": {"interval": True}}}, "sources.news.interval"),
            ({"sources": {"news": {"interval": math.inf}}}, "sources.news.interval"),
            ({"sources": {"news": {"enabled": 1}}}, "sources.news.enabled"),
            ({"sources": {"forex_factory": {"time": "24:00"}}}, "sources.forex_factory.time"),
            ({"sources": {"forex_factory": {"zone": "Mars"}}}, "sources.forex_factory.zone"),
            ({"sources": {"forex_factory": {"zone": "America"}}}, "sources.forex_factory.zone"),
            ({"sources": {"forex_factory": {"zone": "../etc"}}}, "sources.forex_factory.zone"),
            ({"gex": {"strikes_each_side": 4}}, "gex.strikes_each_side"),
            ({"gex": {"strikes_each_side": 101}}, "gex.strikes_each_side"),
            ({"gex": {"unit": "percent"}}, "gex.unit"),
            ({"orb": {"minutes": []}}, "orb.minutes"),
            ({"orb": {"minutes": [5, 5]}}, "orb.minutes"),
            ({"orb": {"rr_ratio": math.nan}}, "orb.rr_ratio"),
            ({"orb": {"rr_ratio": 10**400}}, "orb.rr_ratio"),
            ({"orb": {"buffer_ticks": -1}}, "orb.buffer_ticks"),
            ({"orb": {"futures": "pits"}}, "orb.futures"),
            ({"orb": {"opens": "CL=09:00"}}, "orb.opens"),
            ({"orb": {"opens": ["CL"]}}, "orb.opens[0]"),
            ({"orb": {"opens": ["CL=9:00"]}}, "orb.opens[0]"),
            ({"orb": {"opens": [9]}}, "orb.opens[0]"),
            ({"orb": {"opens": ["CL=09:00", "/cl=10:00"]}}, "orb.opens[1]"),
            ({"profile": {"hours": "pre"}}, "profile.hours"),
            ({"profile": {"value_area": 100}}, "profile.value_area"),
            ({"profile": {"x": 1}}, "profile.x"),
            ({"display": {"theme": ["dark"]}}, "display.theme"),
        ],
    )  # fmt: skip
    def test_what_is_wrong_is_named_by_its_path(self, document: Any, path: str) -> None:
        with pytest.raises(SettingsError) as caught:
            validate(document)

        assert caught.value.field == path
        assert len(str(caught.value)) < 200
        assert str(caught.value).isprintable()

    def test_a_slip_of_the_pen_is_answered_with_the_word(self) -> None:
        with pytest.raises(SettingsError, match="did you mean indicators"):
            validate({"indicatrs": {}})

    def test_the_limit_counts_all_groups_together(self) -> None:
        names = [f"A{number}" for number in range(MAX_SYMBOLS + 1)]
        document = {"indicators": {"positive": names[:100], "negative": names[100:]}}

        with pytest.raises(SettingsError, match="201 symbols, at most 200"):
            validate(document)
        document["indicators"]["negative"].pop()
        assert len(validate(document).indicators.groups()) == 200

    @pytest.mark.parametrize(
        "typed, name",
        [(" spy ", "SPY"), ("brk.b", "BRK/B"), ("BRK-B", "BRK/B"), ("$vix", "VIX"), ("/es", "/ES"),
         ("/6e", "/6E"), ("^NDX", "NDX")],
    )  # fmt: skip
    def test_symbols_are_spelled_one_way(self, typed: str, name: str) -> None:
        assert symbol(typed, "x") == name

    def test_every_future_of_the_market_is_a_symbol(self) -> None:
        assert [symbol(f"/{product}", "x") for product in PRODUCTS] == [f"/{p}" for p in PRODUCTS]

    @given(st.text(st.sampled_from("aAbZ09/.-$^ ESFGHZ6\u017f"), max_size=18))
    @example("$^A")
    @example("/6EZ6")
    @example("/ESZ26")
    @example("$/ES")
    @settings(max_examples=500)
    def test_spelling_is_that_of_the_market(self, text: str) -> None:
        try:
            ours: str | None = symbol(text, "x")
        except SettingsError:
            ours = None
        try:
            theirs: str | None = normalise(text)
        except SettingsError:
            theirs = None

        assert ours == theirs

    def test_other_keys_of_a_section_stay_when_one_is_given(self) -> None:
        dark = merge(DEFAULTS, {"display": {"theme": "dark"}})

        assert dark["display"] == {**DEFAULTS["display"], "theme": "dark"}
        assert dark["gex"] == DEFAULTS["gex"]

    def test_changes_are_told_in_words(self) -> None:
        old = Settings()
        new = validate(
            merge(
                DEFAULTS,
                {
                    "indicators": {
                        "positive": ["IWM", "XLF", "SPY", "QQQ", "BITO"],
                        "neutral": ["XLU", "IYR", "TIP", "GLD", "TLT", "XLP"],
                        "negative": ["VIX", "UUP"],
                    },
                    "gex": {"expiries": 7},
                    "sources": {"forex_factory": {"enabled": True}},
                    "orb": {"minutes": [5], "rr_ratio": 2.5},
                },
            )
        )

        assert changes(old, new) == [
            "IWM added to positive",
            "XLP moved from positive to neutral",
            "DXY removed from negative",
            "order of positive changed",
            "Forex Factory calendar off → on",
            "GEX expiries 5 → 7",
            "ORB minutes 5, 15, 30, 60 → 5",
            "ORB reward to risk 2 → 2.5",
        ]
        assert changes(new, new) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
    | st.sampled_from(["SPY", "positive", "06:00", "America/New_York", "dark", "/ES"]),
    lambda child: st.lists(child, max_size=5)
    | st.dictionaries(
        st.sampled_from([*DEFAULTS, *DEFAULTS["indicators"], *DEFAULTS["sources"], "enabled",
                         "interval", "symbols", "sentiment", "minutes", "rr_ratio", "zone"])
        | st.text(max_size=6),
        child,
        max_size=6,
    ),
    max_leaves=25,
)  # fmt: skip


def leaf_paths(document: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(document, dict):
        for key, value in document.items():
            yield from leaf_paths(value, (*path, key))


@st.composite
def nearly_settings(draw: st.DrawFn) -> Any:
    """The defaults with something put in somewhere."""
    document = json.loads(json.dumps(DEFAULTS))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(sorted(leaf_paths(DEFAULTS))))
        value = draw(JSON)
        if not path:
            return value
        place = document
        for key in path[:-1]:
            place = place.get(key) if isinstance(place, dict) else None
        if isinstance(place, dict):
            place[path[-1]] = value
    return document


def check_any_document(document: Any) -> None:
    """Settings, or a SettingsError that can be shown; never anything else, never NaN through."""
    for step in (validate, lambda value: validate(migrate(value)[0])):
        try:
            found = step(document)
        except SettingsError as problem:
            str(problem).encode("utf-8")
        else:
            text = json.dumps(as_document(found), allow_nan=False)
            assert validate(json.loads(text)) == found
            assert len(found.indicators.groups()) <= MAX_SYMBOLS


@given(JSON | nearly_settings())
@settings(max_examples=300, deadline=None)
def test_any_json_gives_settings_or_a_settings_error(document: Any) -> None:
    check_any_document(document)


@pytest.mark.slow
@pytest.mark.timeout(600)
@given(JSON | nearly_settings())
@settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_of_ten_thousand_json_values_does(document: Any) -> None:
    check_any_document(document)


@given(
    st.binary(max_size=200)
    | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))
)
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_json_or_a_settings_error(data: bytes) -> None:
    message = ""
    try:
        parse(data)
    except SettingsError as problem:
        message = str(problem)

    assert len(message) < 200


class TestMigration:
    def test_the_flat_form(self) -> None:
        document, notices = migrate(
            {"SPY": {"sentiment": "positive"}, "XLU": {"sentiment": "neutral"},
             "DXY": {"sentiment": "negative"}, "/VXH25": {"sentiment": "negative"}}
        )  # fmt: skip

        assert validate(document).indicators.groups() == {
            "SPY": "positive", "XLU": "neutral", "DXY": "negative", "/VX": "negative",
        }  # fmt: skip
        assert notices == [
            "settings of the old form taken over: 4 symbols",
            "/VXH25 is one contract; taken over as /VX",
        ]

    @pytest.mark.parametrize("enabled", [True, False])
    def test_the_form_with_indicators(self, enabled: bool) -> None:
        document, _ = migrate(
            {"indicators": {"GLD": {"sentiment": "negative"}}, "enable_forex_factory": enabled}
        )
        found = validate(document)

        assert found.indicators.groups() == {"GLD": "negative"}
        assert found.sources.forex_factory.enabled is enabled

    def test_todays_form_passes_untouched(self) -> None:
        assert migrate(DEFAULTS) == (DEFAULTS, [])
        assert migrate({"display": {"theme": "dark"}}) == ({"display": {"theme": "dark"}}, [])

    def test_the_alert_servers_file_is_recognised(self) -> None:
        routes = {"strategies": {"Swing": {"accounts": {}, "tickers": {"T": {"ports": ["9060"]}}}}}

        with pytest.raises(SettingsError, match=r"alert server's config.json \(1 strategies") as it:
            migrate(routes)
        assert "settings are unchanged" in str(it.value)

    @pytest.mark.parametrize(
        "document, path",
        [
            ({"SPY": {"sentiment": "bullish"}}, "SPY"),
            ({"SPY": {"sentiment": ["positive"]}}, "SPY"),
            ({"SPY": {"sentiment": "positive"}, "colour": "red"}, "colour"),
            ({"indicators": {"SPY": {}}}, "indicators.SPY"),
            ({"indicators": {"SPY": 3}}, "indicators.SPY"),
            ({"indicators": {"SPY": {"sentiment": "positive"}}, "x": 1}, "x"),
        ],
    )
    def test_what_cannot_be_taken_over_is_named(self, document: Any, path: str) -> None:
        with pytest.raises(SettingsError) as caught:
            migrate(document)

        assert caught.value.field == path


@pytest.fixture
def store(tmp_path: Path) -> SettingsStore:
    """A store over an empty folder, loaded."""
    found = SettingsStore(tmp_path / "settings.json", keep=tmp_path / "data" / "settings")
    found.load()
    return found


class TestStore:
    def test_a_missing_file_is_written_with_the_defaults(self, store: SettingsStore) -> None:
        assert json.loads(store.path.read_text()) == DEFAULTS
        assert store.problem is None

    def test_a_save_is_there_after_a_restart(self, store: SettingsStore) -> None:
        answer = store.save({"display": {"theme": "dark"}}, store.revision)

        again = SettingsStore(store.path, store.keep)
        assert again.load().display.theme == "dark"
        assert again.revision == answer["revision"] == store.revision
        assert answer["changes"] == ["Display theme system → dark"]

    def test_whoever_asked_to_be_told_is_told_once(self, store: SettingsStore) -> None:
        told: list[tuple[str, str]] = []
        store.changed = lambda old, new: told.append((old.display.theme, new.display.theme))

        store.save({"display": {"theme": "dark"}}, store.revision)
        store.save({"display": {"theme": "dark"}}, store.revision)

        assert told == [("system", "dark")]

    def test_a_file_changed_meanwhile_is_not_overwritten(self, store: SettingsStore) -> None:
        revision = store.revision
        edited = {**DEFAULTS, "display": {**DEFAULTS["display"], "theme": "light"}}
        store.path.write_text(json.dumps(edited))

        with pytest.raises(SettingsConflict, match="load it again"):
            store.save({"gex": {"expiries": 7}}, revision)

        assert json.loads(store.path.read_text()) == edited

    def test_two_pages_cannot_overwrite_each_other(self, store: SettingsStore) -> None:
        first = second = store.revision
        store.save({"gex": {"expiries": 7}}, first)

        with pytest.raises(SettingsConflict):
            store.save({"gex": {"expiries": 9}}, second)

        assert store.settings.gex.expiries == 7

    @pytest.mark.parametrize("revision", [None, 3, "", "none", ["x"]])
    def test_no_revision_no_save(self, store: SettingsStore, revision: Any) -> None:
        with pytest.raises(SettingsConflict):
            store.save({"gex": {"expiries": 7}}, revision)

    def test_a_file_edited_by_hand_counts_when_next_read(self, store: SettingsStore) -> None:
        told = []
        store.changed = lambda old, new: told.append(new.gex.expiries)
        store.path.write_text(json.dumps({"schema": 1, "gex": {"expiries": 9}}))

        found = store.read()

        assert found["settings"]["gex"]["expiries"] == 9
        assert store.save({"gex": {"expiries": 8}}, found["revision"])["changes"]
        assert told == [9, 8]

    def test_wrong_settings_leave_file_and_memory_alone(self, store: SettingsStore) -> None:
        before = store.path.read_bytes()

        with pytest.raises(SettingsError) as caught:
            store.save({"gex": {"expiries": 0}}, store.revision)

        assert caught.value.field == "gex.expiries"
        assert store.path.read_bytes() == before
        assert store.settings == Settings()

    def test_the_last_five_versions_are_kept(self, store: SettingsStore) -> None:
        for expiries in range(10, 18):
            store.save({"gex": {"expiries": expiries}}, store.revision)

        kept = {
            path.name: json.loads(path.read_text())["gex"]["expiries"]
            for path in store.keep.iterdir()
        }
        assert kept == {f"settings.json.{number}": 17 - number for number in range(1, 6)}

    @pytest.mark.parametrize(
        "content",
        [b"", b"{", b"\xff\xfe", b'{"schema": 2}', b'{"gex": {"expiries": 0}}', b"[" * 100_000,
         b'{"gex": {}, "gex": {}}', b'{"orb": {"rr_ratio": NaN}}', b"[]", b" " * 1_000_001,
         b'{"strategies": {}}'],
        ids=["empty", "cut", "bytes", "newer", "range", "deep", "twice", "nan", "list", "large",
             "routes"],
    )  # fmt: skip
    def test_a_broken_file_starts_the_last_good_one_and_stays(
        self, store: SettingsStore, content: bytes
    ) -> None:
        store.save({"gex": {"expiries": 7}}, store.revision)
        store.save({"gex": {"expiries": 8}}, store.revision)
        store.path.write_bytes(content)
        again = SettingsStore(store.path, store.keep)

        found = again.load()

        assert found.gex.expiries == 7
        assert again.problem is not None
        assert again.problem.startswith("settings.json cannot be used: ")
        assert again.problem.endswith("the last good version is in force.")
        assert store.path.read_bytes() == content

    def test_a_broken_file_is_kept_when_somebody_saves_over_it(self, store: SettingsStore) -> None:
        store.path.write_bytes(b"{mine")
        found = store.read()
        assert "cannot be used" in found["problem"]

        answer = store.save({"gex": {"expiries": 7}}, found["revision"])

        name = answer["changes"][-1].rpartition(" ")[2]
        assert (store.keep / name).read_bytes() == b"{mine"
        assert store.problem is None
        assert json.loads(store.path.read_text())["gex"]["expiries"] == 7

    def test_a_broken_file_without_versions_starts_the_defaults(self, tmp_path: Path) -> None:
        (tmp_path / "settings.json").write_text("{")
        store = SettingsStore(tmp_path / "settings.json", tmp_path / "keep")

        assert store.load() == Settings()
        assert store.problem is not None
        assert store.problem.endswith("the defaults are in force.")

    def test_an_old_file_is_read_and_modernised_by_the_next_save(self, tmp_path: Path) -> None:
        path = tmp_path / "settings.json"
        path.write_text('{"SPY": {"sentiment": "negative"}}')
        store = SettingsStore(path, tmp_path / "keep")
        store.load()
        assert store.settings.indicators.groups() == {"SPY": "negative"}
        assert store.notices

        store.save({}, store.revision)

        assert json.loads(path.read_text())["schema"] == 1
        assert store.notices == ()

    def test_a_full_disk_is_told_and_changes_nothing(self, store: SettingsStore) -> None:
        def full(path: Path, data: bytes) -> None:
            raise OSError(28, "No space left on device")

        broken = SettingsStore(store.path, store.keep, write=full)
        broken.load()

        with pytest.raises(SettingsError, match=r"not saved: settings\.json: No space left"):
            broken.save({"gex": {"expiries": 7}}, broken.revision)

        assert broken.settings == Settings()
        assert json.loads(store.path.read_text()) == DEFAULTS

    def test_a_folder_that_cannot_be_written_starts_with_a_banner(self, tmp_path: Path) -> None:
        def refused(path: Path, data: bytes) -> None:
            raise OSError(30, "Read-only file system")

        store = SettingsStore(tmp_path / "settings.json", tmp_path / "keep", write=refused)

        assert store.load() == Settings()
        assert "Read-only" in str(store.problem)

    def test_a_link_stays_a_link(self, tmp_path: Path) -> None:
        real = tmp_path / "elsewhere" / "mine.json"
        real.parent.mkdir()
        write_whole(real, b"{}")
        link = tmp_path / "settings.json"
        link.symlink_to(real)
        store = SettingsStore(link, tmp_path / "keep")
        store.load()

        store.save({"gex": {"expiries": 7}}, store.revision)

        assert link.is_symlink()
        assert json.loads(real.read_text())["gex"]["expiries"] == 7
        assert [path.name for path in real.parent.iterdir()] == ["mine.json"]


class TestImport:
    def test_a_dry_run_tells_and_writes_nothing(self, store: SettingsStore) -> None:
        before = store.path.read_bytes()

        answer = store.import_document({"SPY": {"sentiment": "positive"}}, dry_run=True)

        assert "XLF removed from positive" in answer["changes"]
        assert answer["settings"]["indicators"]["positive"] == ["SPY"]
        assert answer["notices"] == ["settings of the old form taken over: 1 symbols"]
        assert store.path.read_bytes() == before

    def test_the_same_without_it_writes(self, store: SettingsStore) -> None:
        told = store.import_document({"SPY": {"sentiment": "positive"}}, dry_run=True)

        done = store.import_document({"SPY": {"sentiment": "positive"}}, dry_run=False)

        assert done["changes"] == told["changes"]
        assert list(store.settings.indicators.groups()) == ["SPY"]
        assert store.settings.gex == Settings().gex

    def test_an_export_taken_in_changes_nothing(self, store: SettingsStore) -> None:
        assert store.import_document(as_document(store.settings), False)["changes"] == []

    @pytest.mark.parametrize("document", [None, [], {}, "x", 3, {"schema": 9}, {"x": 1}])
    def test_anything_else_is_refused(self, store: SettingsStore, document: Any) -> None:
        with pytest.raises(SettingsError):
            store.import_document(document, dry_run=False)

        assert store.settings == Settings()
