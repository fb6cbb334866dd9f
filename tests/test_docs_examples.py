"""What README and docs/ say to type is what there is: examples, commands, addresses, links."""

from __future__ import annotations

import io
import json
import re
import shlex
import urllib.request
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import flask
import pytest

from grok_sauce import cli
from grok_sauce.alerts import legs, numbers, routing_document, strict_json
from grok_sauce.alerts.alert import read_alert
from grok_sauce.alerts.body import classic_body
from grok_sauce.alerts.routing import RoutingTree
from grok_sauce.alerts.settings import AlertSettings
from grok_sauce.analytics import contract_rows, gex_work, levels
from grok_sauce.analytics.forward import Rates
from grok_sauce.commands import COMMANDS
from grok_sauce.simulator import faults, receiver
from grok_sauce.web import gex_api
from tests.option_chains import TOY_RATE, TOY_YIELD, toy_chain, toy_rows

ROOT = Path(__file__).resolve().parent.parent
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "deploy").glob("*.md")]
PAGES.sort()
GEX = (ROOT / "docs" / "gex.md").read_text("utf-8")
RATES = Rates(TOY_RATE, TOY_YIELD)


def named(page: Path) -> str:
    """How a page is called in the list of tests."""
    return page.relative_to(ROOT).as_posix()


@pytest.fixture(scope="module")
def toy() -> dict[str, Any]:
    """The report of the worked example's chain."""
    return levels.document(levels.report(toy_chain(), RATES))


class TestPlainPython:
    def snippet(self) -> str:
        """The lines of docs/gex.md that anybody is told to run."""
        found = re.findall(r"```python\n(.*?)```", GEX, re.DOTALL)
        assert len(found) == 1
        return str(found[0])

    def served(self, rows: list[dict[str, Any]]) -> tuple[bytes, dict[str, Any]]:
        """/api/chain/SPX.csv of these contracts as the route writes it, and their report."""
        from tests.option_chains import chain_of

        chain = chain_of(rows)
        item = gex_work.Item(
            key="SPX:all",
            view="all",
            chain=chain,
            rates=RATES,
            stale=900.0,
            status={},
            expiries=tuple,
            conversion=None,
            no_conversion=None,
            alternative=None,
            previous_close=None,
            oi_whole=None,
        )
        site: Any = SimpleNamespace(ask=lambda *_, **__: contract_rows.contract_rows(item))
        with flask.Flask(__name__).test_request_context("/api/chain/SPX.csv"):
            return gex_api.chain(site, "SPX").get_data(), levels.report(chain, RATES)

    def run(self, body: bytes, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
        """What the snippet leaves behind when the dashboard answers with this."""
        asked: list[str] = []

        def answer(url: str) -> io.BytesIO:
            asked.append(url)
            return io.BytesIO(body)

        monkeypatch.setattr(urllib.request, "urlopen", answer)
        space: dict[str, Any] = {}
        exec(compile(self.snippet(), "docs/gex.md", "exec"), space)
        assert asked == ["http://127.0.0.1:5010/api/chain/SPX.csv"]
        return space

    def test_the_few_lines_of_plain_python_find_the_net_that_the_page_shows(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        body, told = self.served(toy_rows())

        space = self.run(body, monkeypatch)

        assert space["net_gex"](space["spot"]) == pytest.approx(told["totals"]["net"], rel=1e-9)
        assert "spot 6,000.00: 395,763,201 $ per 1 % move" in capsys.readouterr().out

    def test_their_net_changes_its_sign_at_the_flip(self, monkeypatch: pytest.MonkeyPatch) -> None:
        body, told = self.served(toy_rows())
        flip = told["zero_gamma"]["all"]["flip"]

        net = self.run(body, monkeypatch)["net_gex"]

        assert net(flip - 1) < 0 < net(flip + 1)
        assert abs(net(flip)) < 1e-4 * told["totals"]["net"]

    def test_they_leave_out_what_the_page_leaves_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        blank = {"strike": 6200, "right": "C", "oi": 900}
        adjusted = {**toy_rows()[0], "strike": 5850, "multiplier": float("nan")}
        body, told = self.served([*toy_rows(), blank, adjusted])

        space = self.run(body, monkeypatch)

        assert told["excluded"]["no_iv"] == told["excluded"]["non_standard"] == 1
        assert space["net_gex"](6000.0) == pytest.approx(told["totals"]["net"], rel=1e-9)


class TestWorkedExample:
    def numbers(self, name: str) -> list[str]:
        """The cells of the row of a table in docs/gex.md that begins with this one."""
        row = next(line for line in GEX.splitlines() if line.startswith(f"| {name} |"))
        return [cell.strip() for cell in row.strip("|").split("|")][1:]

    def test_each_strike_has_the_gamma_and_the_millions_of_the_program(
        self, toy: dict[str, Any]
    ) -> None:
        for row, contract in zip(toy["strikes"], toy_rows()[::2], strict=True):
            cells = self.numbers(f"{row['strike']:,.0f}")

            assert cells == [
                f"{contract['iv']:.1%}".replace("%", " %"),
                f"{contract['gamma']:.8f}".lstrip("0"),
                f"{row['call_oi']:,.0f}",
                f"{row['put_oi']:,.0f}",
                f"{row['call_gex'] / 1e6:,.1f}",
                f"{row['put_gex'] / 1e6:,.1f}",
                f"{row['net_gex'] / 1e6:+,.1f}".replace("-", "\u2212"),
            ]

    def test_its_levels_are_the_program_s(self, toy: dict[str, Any]) -> None:
        move, pain = toy["expected_move"], toy["max_pain"][0]
        expected = {
            "all": f"{toy['totals']['net'] / 1e6:+,.1f}",
            "call wall": f"{toy['call_wall']:,.0f}",
            "put wall": f"{toy['put_wall']:,.0f}",
            "put wall by OI": f"{toy['put_wall_oi']:,.0f}",
            "absolute gamma": f"{toy['absolute_gamma_strike']:,.0f}",
            "R1, R2": ", ".join(f"{each:,.0f}" for each in toy["resistance"]["by_strength"]),
            "S1, S2": ", ".join(f"{each:,.0f}" for each in toy["support"]["by_strength"]),
            "zero gamma": f"{toy['zero_gamma']['all']['flip']:,.2f}",
            "put/call by OI": f"{toy['put_call']['oi']:.3f}",
            "max pain": f"{pain['strike']:,.0f}",
            "expected move": f"±{move['straddle']:.2f}",
        }

        assert {
            name: value for name, value in expected.items() if value not in self.numbers(name)
        } == {}
        assert f"pays {pain['payout'] / 1e6:.1f} million" in GEX

    def test_the_numbers_of_other_methods_are_the_program_s(self, toy: dict[str, Any]) -> None:
        zero = toy["zero_gamma"]

        assert f"at {zero['strike_sign']:,.2f}" in GEX
        assert f"at {zero['cumulative']:,.2f}" in GEX
        assert f"({toy['expected_move']['shortcut_85']:.2f} in" in GEX
        assert f"({toy['expected_move']['weighted']:.2f})" in GEX

    @pytest.mark.parametrize(
        "name, key",
        [
            ("DEX, holders", "dex_holders"),
            ("DEX, dealer model", "dex_dealer"),
            ("vanna (VEX)", "vex"),
            ("charm (CHEX)", "chex"),
            ("charm to settlement", "charm_to_close"),
        ],
    )
    def test_the_other_exposures_are_the_program_s(
        self, toy: dict[str, Any], name: str, key: str
    ) -> None:
        text = f"{toy['totals'][key] / 1e6:+,.1f}m".replace("-", "\u2212")

        assert self.numbers(name)[-1] == text


class TestPages:
    @pytest.mark.parametrize("page", PAGES, ids=named)
    def test_every_command_is_one_the_program_takes(self, page: Path) -> None:
        told = re.findall(r"`(?:\$ )?python3 main\.py([^`]*)`", page.read_text("utf-8"))
        told += re.findall(
            r"^python3 main\.py(.*?)(?:#.*)?$", page.read_text("utf-8"), re.MULTILINE
        )

        for line in told:
            # "[--seed N]" and "a\|b" are how the table writes what may be given.
            words = shlex.split(re.sub(r"[\[\]]", " ", line.replace("\\|", "|")))
            name, rest = cli.split(words)
            known = set(re.findall(r"--[\w-]+", cli.build_parser(name).format_help()))

            assert name in COMMANDS, line
            assert {word for word in rest if word.startswith("--")} <= known, line

    @pytest.mark.parametrize("page", PAGES, ids=named)
    def test_every_link_to_a_file_or_heading_leads_somewhere(self, page: Path) -> None:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
            if target.startswith("http"):
                continue
            path, _, anchor = target.partition("#")
            file = (page.parent / path).resolve() if path else page

            assert file.exists(), target
            assert not anchor or anchor in headings(file), target

    @pytest.mark.parametrize("page", PAGES, ids=named)
    def test_every_api_address_is_in_the_description_of_the_api(self, page: Path) -> None:
        described = json.loads((ROOT / "grok_sauce" / "web" / "openapi.json").read_text("utf-8"))
        known = {re.sub(r"\{[^}]*\}", "X", path) for path in described["paths"]}
        text = page.read_text("utf-8")

        for found in re.findall(r"(?<![\w.])/api/[\w/<>.-]*\w>?", text):
            if found.startswith("/api/global"):  # Cboe's own, on the embedded market
                continue
            asked = re.sub(r"<[^>]*>|(?<=/)[A-Z]+(?=\.csv|$)", "X", found)
            assert asked in known, found


def headings(page: Path) -> set[str]:
    """The anchors of a page."""
    titles = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


class TestAlerts:
    """What docs/alerts.md and docs/ninjatrader.md say to paste is taken as they say."""

    # What TradingView puts in for a strategy that turns from long 1 to short 2.
    PLACEHOLDERS = {  # noqa: RUF012
        "strategy.order.action": "sell",
        "strategy.prev_market_position": "long",
        "strategy.market_position": "short",
        "strategy.order.contracts": "3",
        "strategy.prev_market_position_size": "1",
        "strategy.market_position_size": "2",
        "strategy.order.price": "21510.5",
        "close": "21510.5",
        "timenow": "2026-01-05T14:35:00Z",
    }

    def text(self, name: str) -> str:
        return (ROOT / "docs" / name).read_text("utf-8")

    def blocks(self, name: str) -> list[str]:
        """The JSON of a page, in order."""
        return re.findall(r"```json\n(.*?)```", self.text(name), re.DOTALL)

    def curls(self, name: str) -> list[tuple[str, str]]:
        """(address, body) of each curl line of a page that posts one."""
        lines = re.findall(r"^curl (.*)$", self.text(name), re.MULTILINE)
        words = [shlex.split(line, comments=True) for line in lines]
        return [
            (next(word for word in line if word.startswith("http")), line[line.index("-d") + 1])
            for line in words
            if "-d" in line
        ]

    def filled(self, message: str) -> bytes:
        """A message as it is sent."""
        for name, value in self.PLACEHOLDERS.items():
            message = message.replace("{{" + name + "}}", value)
        return message.encode()

    def test_the_strategy_s_message_is_read_as_a_reversal_with_both_sizes(self) -> None:
        message = self.blocks("alerts.md")[0]

        legs_of = legs.legs(read_alert(strict_json.load(self.filled(message))), "ask", None)

        assert "{{" not in self.filled(message).decode()
        assert [(leg.kind, leg.side, leg.qty) for leg in legs_of] == [
            ("close", "long", 1),
            ("open", "short", 2),
        ]

    def test_the_indicator_s_message_is_an_open(self) -> None:
        read = read_alert(strict_json.load(self.filled(self.blocks("alerts.md")[1])))

        assert legs.mapped_text(read) == "open long"
        assert (read.price, read.flags) == (21510.5, ())

    def test_each_row_of_the_indicator_s_table_means_what_it_says(self) -> None:
        rows = re.findall(
            r"^\| ([a-z ]+) \| `(\w+)` \| `(\w+)` \| `(\w+)` \|$",
            self.text("alerts.md"),
            re.MULTILINE,
        )[1:]
        sent = {
            "from short to long": "close short, open long",
            "from long to short": "close long, open short",
        }

        assert len(rows) == 6
        for meaning, action, position, after in rows:
            document = {
                "ticker": "x", "action": action, "current_position": position, "new_pos": after,
            }  # fmt: skip
            assert legs.mapped_text(read_alert(document)) == sent.get(meaning, meaning)

    def test_the_first_steps_are_accepted_and_become_what_is_said(self) -> None:
        posts = [body for url, body in self.curls("alerts.md") if "/webhook/" in url]

        read = [read_alert(strict_json.load(body.encode())) for body in posts]

        assert [legs.mapped_text(each) for each in read] == ["open long", "close long, open short"]
        assert [leg.qty for leg in legs.legs(read[1], "ask", None)] == [1, 2]
        assert all(each.time_ms is not None and each.flags == () for each in read)

    def test_the_listener_takes_the_documented_body_which_is_ours(self) -> None:
        (told,) = self.blocks("ninjatrader.md")
        body = self.curls("alerts.md")[0][1]

        alert = read_alert(strict_json.load(body.encode()))
        ours = classic_body(alert, legs.legs(alert, "ask", None)[0], 0)

        assert receiver.read_order(told.encode()) == json.loads(told)
        assert json.loads(ours) == json.loads(told)
        assert list(json.loads(ours)) == list(json.loads(told))

    def test_every_fault_that_is_shown_is_a_switch_of_the_listener(self) -> None:
        shown = [body for url, body in self.curls("alerts.md") if url.endswith("/receive/faults")]
        shown += re.findall(r"`(\{\"(?:status|hang|reset)\": [^`]*\})`", self.text("alerts.md"))

        assert len(shown) == 4
        for text in shown:
            for name, value in json.loads(text).items():
                assert faults.checked(name, value, receiver.FAULTS) == value

    def test_the_routing_file_of_the_page_routes_both_its_tickers(self) -> None:
        text = next(block for block in self.blocks("alerts.md") if '"routing"' in block)

        read = RoutingTree(json.loads(text))

        first, second = read.lookup("NQ_5min"), read.lookup("MNQ_5min")
        assert first is not None
        assert second is not None
        assert [(to.port, to.name, to.idempotent, to.skip) for to in first.destinations] == [
            (9060, "NQ chart", True, None)
        ]
        assert (second.group, second.options.reversal_qty) == ("NQ", "same")
        assert (first.options.fresh_open_s, second.options.fresh_open_s) == (60.0, 30.0)

    def test_every_reason_that_is_named_is_one_of_the_program(self) -> None:
        reasons = {
            "outcome_unknown", "stopped_while_sending", "reversal_qty_unknown",
            "close_not_delivered", "strategy_off", "dry_mode", "too_old", "attempts_used_up",
            "net_zero_pair",
        }  # fmt: skip
        alerts = ROOT / "grok_sauce" / "alerts"
        source = "".join(file.read_text("utf-8") for file in alerts.glob("*.py"))

        assert {name for name in reasons if f"`{name}`" not in self.text("alerts.md")} == set()
        assert {name for name in reasons if f'"{name}"' not in source} == set()

    def test_every_count_is_explained(self) -> None:
        text = self.text("alerts.md")

        assert {name for name in numbers.COUNTERS if f"`{name}`" not in text} == set()

    def test_every_option_of_a_ticker_is_named(self) -> None:
        text = self.text("alerts.md")

        missing = {name for name in routing_document.OPTIONS if f"`{name}`" not in text}
        missing |= {name for name in ("daily_pause", "resume_at") if f"`{name}`" not in text}

        assert missing == set()

    def test_the_settings_that_are_named_are_there(self) -> None:
        known = (ROOT / ".env.example").read_text("utf-8")
        pages = [self.text("alerts.md"), self.text("ninjatrader.md")]
        pages.append((ROOT / "deploy" / "README.md").read_text("utf-8"))
        prefixes = "WEBHOOK|ROUTER|TARGET|ALERT|ALLOW|PUBLIC|TRUSTED|DASHBOARD"

        named = {
            name for page in pages for name in re.findall(rf"\b(?:{prefixes})_[A-Z_]+\b", page)
        }

        assert len(named) > 8
        assert {name for name in named if f"#{name}=" not in known} == set()

    def test_the_samples_lead_to_the_router_s_port_and_let_only_webhooks_through(self) -> None:
        port = str(AlertSettings().router_port)
        for name in ("nginx.conf", "Caddyfile", "cloudflared.yml", "ngrok.yml"):
            text = (ROOT / "deploy" / name).read_text("utf-8")

            assert f"127.0.0.1:{port}" in text, name
            assert "404" in text, name
            assert "/webhook" in text, name
