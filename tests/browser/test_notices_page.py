"""Notices in a real browser: the bell, toasts, hidden tabs, and their section of setup."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(60)]

Visit = Callable[..., Any]
HOSTILE = '<img src=x onerror="alert(1)"></script>'
# Counts desktop notices and tones instead of making them; lets a page seem hidden.
SPIES = """
window.told = []; window.tones = 0;
window.Notification = class extends EventTarget {
  static permission = "granted";
  constructor(title, options) { super(); window.told.push([title, options.tag]); }
};
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...args) {
  window.tones += 1;
  return start.apply(this, args);
};
window.hide = (isHidden) => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => isHidden });
};
"""


def iso_now(back: float = 0.0) -> str:
    return datetime.fromtimestamp(datetime.now(UTC).timestamp() - back, UTC).isoformat()


def notice_of(number: int, back: float = 0.0, **values: Any) -> dict[str, Any]:
    return {
        "id": f"flip:{number}", "at": "2026-12-16T19:32:07Z", "made": iso_now(back),
        "rule": "flip", "severity": "warn", "title": f"SPX below zero gamma {number}",
        "text": "SPX 5,985.00, 7.50 below it.", "symbol": "SPX", "link": "/gex/SPX", "show": True,
        "sound": True, "mode": "LIVE", **values,
    }  # fmt: skip


def answer_of(seq: int, *recent: dict[str, Any], **values: Any) -> tuple[int, dict[str, Any]]:
    notice = {**recent[0], "recent": list(recent)} if recent else None
    return 200, {
        "epoch": "e", "seq": seq, "t": int(datetime.now(UTC).timestamp() * 1000),
        "notice": notice, "notices": list(recent), "targets": [], "deliveries": [], "quiet": False,
        **values,
    }  # fmt: skip


def target_of(name: str, **values: Any) -> dict[str, Any]:
    return {
        "name": name, "label": name.title(), "detail": "me@example.net through mail:587",
        "on": True, "state": "ready", "problem": None, "waiting": 0, "held": 0, "last": {},
        **values,
    }  # fmt: skip


@pytest.fixture
def status_page(visit: Visit, templates: Any) -> Any:
    """A page with the spies in it, over HTTP, which is asked every three seconds."""
    site = visit(permissions=["notifications"])
    site.page.add_init_script(SPIES)
    report = templates.make_health(
        loop={"p50": 1.0, "p99": 2.0, "max": 3.0, "minutes": [1.0]}, queues=[], clients=[],
        sockets={"open": 1, "limit": 4000}, memory_mb=None, up_since_ms=templates.NOW_MS,
        feed_rate=None, feed_peak=None, tick_ms=None,
    )  # fmt: skip
    site.pages["/status"] = templates.render("status.html", health=report)
    site.api["GET /api/health"] = (200, report)
    return site


def wait_until(site: Any, expression: str) -> None:
    """Wait for an expression to be true; the policy forbids Playwright's own way."""
    for _ in range(160):
        if site.page.evaluate(expression):
            return
        site.page.wait_for_timeout(50)
    raise AssertionError(f"never true: {expression}")


def hand_over(site: Any, answer: tuple[int, dict[str, Any]]) -> None:
    """Tell the page's own object what a message of the room would."""
    site.page.evaluate(
        """async (message) => {
          const { Notices } = await import("/static/js/notices.js");
          const follows = [];
          window.notices ??= new Notices({ follow: (name, each) => follows.push(each) });
          window.notices.take(message, message.full);
        }""",
        {**answer[1], "full": False},
    )


def test_the_bell_counts_lists_and_forgets_what_was_read(status_page: Any) -> None:
    site = status_page
    old = notice_of(1, back=900, title=HOSTILE, text=HOSTILE, link="javascript:alert(2)")
    site.api["GET /api/notices"] = answer_of(2, notice_of(2, back=600), old)
    site.open("/status")
    badge = site.page.locator("#notices-button .badge")
    badge.wait_for()

    count = badge.inner_text()
    site.page.locator("#notices-button").click()
    panel = site.page.get_by_role("dialog", name="Notices")
    texts = panel.locator("li strong, li a").all_inner_texts()

    assert count == "2"
    assert texts == ["SPX below zero gamma 2", HOSTILE]
    assert panel.locator("li a").count() == 1  # no address but a path of ours is a link
    assert panel.locator("li time").first.inner_text() == "14:32"
    assert badge.is_hidden()
    assert site.page.locator(".toast").count() == 0  # both are old
    site.page.keyboard.press("Escape")
    assert panel.count() == 0
    assert site.complaints == []


def test_a_fresh_notice_is_a_toast_and_a_sound_once(status_page: Any) -> None:
    site = status_page
    site.open("/status")
    site.page.locator("#theme-button").click()  # lets the page sound
    site.page.wait_for_timeout(50)

    hand_over(site, answer_of(1, notice_of(1)))
    site.page.locator(".toast").wait_for()
    hand_over(site, answer_of(2, notice_of(1)))
    wait_until(site, "window.tones > 0")

    assert site.page.locator(".toast").all_inner_texts()[0].startswith("SPX below zero gamma 1")
    assert site.page.locator(".toast").count() == 1
    assert site.page.evaluate("window.tones") == 2


def test_a_hidden_tab_makes_a_desktop_notice_and_sounds(status_page: Any) -> None:
    site = status_page
    site.open("/status")
    site.page.locator("#theme-button").click()
    site.page.evaluate("hide(true)")

    hand_over(site, answer_of(1, notice_of(1, severity="urgent", mode="DEMO")))
    wait_until(site, "window.told.length > 0 && window.tones > 0")

    assert site.page.evaluate("window.told") == [["DEMO: SPX below zero gamma 1", "flip:1"]]
    assert site.page.evaluate("window.tones") == 3
    assert site.page.locator(".toast").count() == 0


def test_what_quiet_hours_hold_back_is_listed_alone(status_page: Any) -> None:
    site = status_page
    site.open("/status")
    site.page.locator("#theme-button").click()

    hand_over(site, answer_of(1, notice_of(2, show=True, sound=False, severity="info"),
                              notice_of(1, show=False, sound=False)))  # fmt: skip
    site.page.locator(".toast").wait_for()

    assert site.page.locator(".toast").count() == 1
    assert site.page.evaluate("[window.tones, window.told.length]") == [0, 0]
    assert site.page.locator("#notices-button .badge").inner_text() == "2"


def test_a_muted_browser_makes_no_sound(status_page: Any) -> None:
    site = status_page
    site.open("/status")
    site.page.locator("#notices-button").click()
    site.page.get_by_role("switch", name="Sound").uncheck()
    site.page.keyboard.press("Escape")

    hand_over(site, answer_of(1, notice_of(1)))
    site.page.locator(".toast").wait_for()

    assert site.page.evaluate("window.tones") == 0
    assert site.page.locator("#notices-button").get_attribute("data-muted") == "true"


def test_one_tab_of_two_makes_itself_heard(status_page: Any) -> None:
    site = status_page
    site.open("/status")
    site.page.locator("#theme-button").click()
    site.page.evaluate("hide(true)")
    site.page.evaluate("""localStorage.setItem("grok-sauce.notices.told", '["flip:1"]')""")

    hand_over(site, answer_of(1, notice_of(1)))
    hand_over(site, answer_of(2, notice_of(2), notice_of(1)))
    wait_until(site, "window.told.length > 0")

    assert site.page.evaluate("window.told.map(([, tag]) => tag)") == ["flip:2"]


# ---- setup -----------------------------------------------------------------------------------


@pytest.fixture
def setup_page(visit: Visit, templates: Any) -> Any:
    site = visit()
    site.pages["/setup"] = templates.render("setup.html")
    site.api["GET /api/health"] = (200, templates.make_health())
    site.api["GET /api/indicator"] = (200, {"epoch": "e", "seq": 0, "rows": []})
    sent = {
        "seq": 3, "made": iso_now(60), "done": iso_now(59), "target": "email", "kind": "notice",
        "title": HOSTILE, "state": "failed", "attempts": 8, "next_try": None, "seconds": 0.2,
        "error": "the server said 554 spam",
    }  # fmt: skip
    site.api["GET /api/notices"] = answer_of(
        0,
        targets=[
            target_of("browser", detail=""), target_of("email", last={"failed": sent}),
            target_of("desk", state="refused", problem="error=404."),
            target_of("chat", state="unset", on=False, detail="", problem="Set NOTICE_TARGETS."),
        ],
        deliveries=[sent],
    )  # fmt: skip
    site.open("/setup#notices")
    site.page.locator('[data-target="email"]').wait_for()
    return site


def test_setup_shows_targets_rules_and_what_became_of_messages(setup_page: Any) -> None:
    page = setup_page.page
    page.get_by_text("Delivery log").click()

    assert "me@example.net through mail:587" in page.locator('[data-target="email"]').inner_text()
    assert "error=404." in page.locator('[data-target="desk"]').inner_text()
    chat = page.locator('[data-target="chat"]')
    assert "Set NOTICE_TARGETS." in chat.inner_text()
    assert chat.get_by_role("button").count() == 0
    assert page.locator('[data-part="notice-rules"] tr').count() == 8
    assert HOSTILE in page.locator('[data-part="notice-log"]').inner_text()
    assert "not sent, 8 attempts, the server said 554 spam" in (
        page.locator('[data-part="notice-log"]').inner_text()
    )
    assert setup_page.complaints == []


def test_setup_sends_a_test_and_says_what_became_of_it(setup_page: Any) -> None:
    setup_page.api["POST /api/notices/test"] = (
        200, {"target": "email", "ok": False, "text": "sign-in was refused", "seconds": 0.4},
    )  # fmt: skip
    row = setup_page.page.locator('[data-target="email"]')

    row.get_by_role("button", name="Send test").click()
    row.get_by_text("sign-in was refused").wait_for()

    assert ("POST", "/api/notices/test", {"target": "email", "kind": "test"}) in setup_page.asked


def test_setup_saves_rules_hours_and_what_a_target_gets(setup_page: Any) -> None:
    page = setup_page.page

    page.get_by_role("switch", name="Wall shift").uncheck()
    page.get_by_label("Quiet from").fill("2130")
    page.get_by_label("Quiet from").press("Tab")
    page.locator('[data-target="email"]').get_by_role("button", name="everything").click()
    page.get_by_role("menuitemcheckbox", name="Walls").click()
    page.keyboard.press("Escape")
    page.locator('[data-target="desk"]').get_by_role("switch").uncheck()
    page.get_by_label("Minutes before an event").select_option("30")
    changes = page.locator('[data-part="change-list"]').inner_text().split(" · ")
    setup_page.api["PUT /api/settings"] = (422, {"error": {"code": "x", "message": "no"}})
    page.get_by_role("button", name="Save").click()
    page.locator('[data-part="save-error"]').get_by_text("Not saved").wait_for(timeout=30_000)
    body = next(body for method, _, body in setup_page.asked if method == "PUT")

    assert sorted(changes) == [
        "Minutes before events 15 → 30", "Not sent email:level added", "Quiet from 20:00 → 21:30",
        "Targets off desk added", "Wall shift notices on → off",
    ]  # fmt: skip
    notices = body["settings"]["notices"]
    assert notices["rules"]["wall"] is False
    assert notices["quiet"]["start"] == "21:30"
    assert (notices["off"], notices["skip"]) == (["desk"], ["email:level"])


def test_setup_refuses_a_time_that_is_none_and_keeps_what_was_typed(setup_page: Any) -> None:
    field = setup_page.page.get_by_label("Time of the summary")

    field.fill("25:00")
    field.press("Tab")

    assert field.get_attribute("aria-invalid") == "true"
    assert field.input_value() == "25:00"
    assert setup_page.page.locator('[data-error="notices"]').inner_text() == "A time like 09:55."


def test_setup_reads_ranges_and_own_opens_as_text(setup_page: Any) -> None:
    page = setup_page.page
    minutes, opens = page.get_by_label("Ranges, minutes"), page.get_by_label("Own opens, New York")

    minutes.fill("30 5,15")
    minutes.press("Tab")
    opens.fill("CL at nine")
    opens.press("Tab")
    page.get_by_label("Reward to risk").fill("1.5")
    page.get_by_label("Reward to risk").press("Tab")

    assert minutes.input_value() == "5, 15, 30"
    assert opens.get_attribute("aria-invalid") == "true"
    assert page.locator('[data-part="change-list"]').inner_text() == (
        "Opening ranges 60 removed · Reward to risk 2 → 1.5"
    )
