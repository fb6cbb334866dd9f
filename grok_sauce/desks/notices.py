"""Notices joined: what pages are told, what deserves a message, and who gets it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from grok_sauce import settings as knobs
from grok_sauce.analytics import daily_summary, notice_policy
from grok_sauce.analytics.notice_policy import HOUR, Gate
from grok_sauce.analytics.notices import Facts, Notice, Watch
from grok_sauce.desks import notice_report, notice_targets
from grok_sauce.desks.notice_report import RECENT, shown
from grok_sauce.desks.notice_targets import Missing
from grok_sauce.errors import SettingsError
from grok_sauce.publishers.notify import LIFE, Delivery, Outbox
from grok_sauce.publishers.notify_settings import BROWSER, NotifySettings
from grok_sauce.publishers.notify_target import Letter
from grok_sauce.publishers.snapshot import Snapshot
from grok_sauce.questions import Questions
from grok_sauce.runtime.clock import Clock
from grok_sauce.runtime.worker import Worker
from grok_sauce.settings import Settings
from grok_sauce.settings.notices import Notices
from grok_sauce.storage.database import StorageError
from grok_sauce.storage.notices import Message, NoticeRow, as_row
from grok_sauce.update import Update

log = logging.getLogger(__name__)

BEAT: Final = 0.5  # seconds between two looks at what changed
TIDY: Final = 600.0  # seconds between two looks for what is too old
SETTLE: Final = 60.0  # seconds after the start before a summary is made: sources come first
LIVE: Final = frozenset({"live", "aging"})
SIMULATED: Final = frozenset({"DEMO", "REPLAY"})


class NoticeDesk:
    """Listens to every update, decides twice a second, hands over to the targets' workers.

    publish(updates) tells pages; mode() is the name in the header's chip; in a demo the
    targets are left alone, unless that was asked for, but their test buttons work.
    """

    name = "notices"

    def __init__(
        self,
        path: Path,
        targets: NotifySettings,
        snapshot: Snapshot,
        publish: Callable[[Sequence[Update]], None],
        clock: Clock,
        mode: Callable[[], str],
        demo: bool = False,
    ) -> None:
        self._snapshot = snapshot
        self._publish = publish
        self._clock = clock
        self._mode = mode
        self.outbox = Outbox(path, clock)
        self.chosen = Notices()
        self._settings = Settings()
        self.leaves_out = demo and not targets.in_demo
        found = list(notice_targets.build(targets))
        self.missing = [each for each in found if isinstance(each, Missing)]
        self.deliveries = {
            each.name: Delivery(each, self.outbox, clock, self._switch(each.name))
            for each in found
            if not isinstance(each, Missing)
        }
        self._lock = threading.Lock()
        self._news: dict[tuple[str, str], Any] = {}
        self._watch = Watch(self.chosen)
        self._told: set[str] = set()
        self.gates: dict[str, Gate] = {name: Gate() for name in (BROWSER, *self.deliveries)}
        self._unsaved: list[tuple[list[NoticeRow], list[str], list[Message]]] = []
        self.recent: list[dict[str, Any]] = []
        self._loaded = False
        self._tidied: float | None = None
        self._began = clock.real()

    def _switch(self, name: str) -> Callable[[], bool]:
        return lambda: self.is_on(name)

    def is_on(self, target: str) -> bool:
        """Does this target get anything?"""
        if target == BROWSER:
            return BROWSER not in self.chosen.off
        return target not in self.chosen.off and not self.leaves_out

    @property
    def market_time(self) -> float:
        """Now, as sessions count it."""
        return self._clock.market()

    # ---- joining ------------------------------------------------------------------------

    @property
    def workers(self) -> list[Worker]:
        """What the supervisor must run."""
        return [self, *self.deliveries.values()]

    def register(self, questions: Questions) -> None:
        """Offer "notices.read" and "notices.test"."""
        questions.register("notices.read", lambda: notice_report.report(self))
        questions.register("notices.test", self.test)

    def follow(self, chosen: Settings) -> None:
        """Take the user's settings."""
        self._settings, self.chosen = chosen, chosen.notices
        self._watch.chosen = chosen.notices
        for delivery in self.deliveries.values():
            delivery.wake()

    def hear(self, updates: Sequence[Update]) -> None:
        """A publisher: keeps the newest of what rules look at. Never blocks or raises."""
        with self._lock:
            for update in updates:
                if update.topic in ("gex.levels", "orb.breakout"):
                    self._news[update.topic, update.key] = update.payload
                elif update.topic in ("calendar.event", "service.health"):
                    self._news[update.topic, ""] = update.payload
                elif update.topic == "trade.signal" and update.payload is not None:
                    # Each counts, so that of two in one beat none is lost.
                    self._news[update.topic, str(update.payload["id"])] = update.payload

    # ---- the worker ---------------------------------------------------------------------

    def run(self, stop: threading.Event) -> None:
        """Look at what changed until stop is set.

        Raises:
            StorageError: the file of notices cannot be used; what was found waits.
        """
        if not self._loaded:
            self._load()
        while not stop.wait(BEAT):
            self.beat()

    def _load(self) -> None:
        now = self._clock.real()
        kept = self.outbox.use(lambda store: store.load(RECENT))
        self._told = set(kept.told)
        self._watch = Watch(self.chosen, kept.told)
        for name in self.deliveries:
            sent, held = self.outbox.use(
                lambda store, name=name: (  # type: ignore[misc]
                    store.sent_since(name, now - HOUR),
                    store.held(name),
                )
            )
            self.gates[name] = Gate(sent, [notice_report.as_notice(row) for _, row in held])
        # What was told while the file could not be read is newer than what it holds.
        older = [shown(row, False, self._mode()) for row in kept.recent]
        self.recent = [*self.recent, *older][:RECENT]
        self._loaded = True
        if self.recent:
            self._tell()

    def beat(self) -> None:
        """One look: rules, summary, digests, and what is too old.

        Raises:
            StorageError: see run().
        """
        with self._lock:
            news, self._news = self._news, {}
        market, real = self._clock.market(), self._clock.real()
        found = self._watch.look(self._facts(news, market, real))
        messages: list[Message] = []
        if found:
            messages = self._route(found, market, real)
        summary = self._summary(market, real)
        if summary is not None:
            notice, more = summary
            found.append(notice)
            messages += more
        keys = [key for one in found for key in one.keys]
        self._told.update(keys)
        if found:
            self._unsaved.append(([as_row(one, real) for one in found], keys, messages))
        try:
            self._save(real)
        finally:
            if found:
                self._tell()  # pages are told also while the disk refuses
        self._digests(market, real)
        self._tidy(real)

    def _facts(self, news: Mapping[tuple[str, str], Any], market: float, real: float) -> Facts:
        gex, orb = {}, {}
        signals = [found for (topic, _), found in news.items() if topic == "trade.signal"]
        for (topic, key), payload in news.items():
            if payload is None:
                continue
            if topic == "gex.levels":
                symbol, _, view = key.rpartition(":")
                if view == "all" and symbol in self._settings.gex.symbols:
                    gex[symbol] = payload
            elif topic == "orb.breakout":
                orb[key] = payload
        return Facts(
            market,
            real,
            gex,
            orb,
            signals,
            self._snapshot.get("calendar.event", ""),
            news.get(("service.health", "")),
            self._is_live,
        )

    def _is_live(self, symbol: str) -> bool:
        row = self._snapshot.get("indicator.rows", symbol)
        return row is not None and row.get("status") in LIVE

    def _route(self, found: Sequence[Notice], market: float, real: float) -> list[Message]:
        """A message for each target that wants each notice; pages get all of them."""
        messages = []
        for one in found:
            for name in self.deliveries:
                if not self._wants(name, one.rule):
                    continue
                goes = self.gates[name].admit(one, self.chosen, market, real)
                messages.append(
                    Message(
                        *(name, "notice", one.severity, self._titled(one.title)),
                        *(notice_report.body(one), real, one.id),
                        state="waiting" if goes else "held",
                    )
                )
            heard = self._wants(BROWSER, one.rule) and self.gates[BROWSER].admit(
                one, self.chosen, market, real
            )
            self.recent = [shown(as_row(one, real), heard, self._mode()), *self.recent][:RECENT]
        self.gates[BROWSER].held.clear()  # pages list what was not heard; no digest is made
        return messages

    def _wants(self, target: str, kind: str) -> bool:
        return self.is_on(target) and f"{target}:{kind}" not in self.chosen.skip

    def _titled(self, title: str) -> str:
        mode = self._mode()
        return f"{mode}: {title}" if mode in SIMULATED else title

    def _tell(self) -> None:
        self._publish([Update("notice", "", {**self.recent[0], "recent": self.recent})])

    def _save(self, real: float) -> None:
        """Put what waits into the file, oldest first; what it does not take waits on."""
        while self._unsaved:
            rows, keys, messages = self._unsaved[0]
            try:
                self.outbox.use(
                    lambda store: store.put(rows, keys, messages, now=real)  # noqa: B023
                )
            except StorageError:
                del self._unsaved[:-50]
                raise
            del self._unsaved[0]
            for name in {one.target for one in messages if one.state == "waiting"}:
                self.deliveries[name].wake()

    def _digests(self, market: float, real: float) -> None:
        for name, delivery in self.deliveries.items():
            found = self.gates[name].digest(self.chosen, market, real)
            if not found:
                continue
            title, text = notice_policy.digest_text(found)
            digest = Message(name, "digest", "info", self._titled(title), text, real)

            def put(store: Any, digest: Message = digest, name: str = name) -> None:
                held = [seq for seq, _ in store.held(name)]
                store.put((), (), [digest], held, real)

            try:
                self.outbox.use(put)
            except StorageError:
                self.gates[name].held.extendleft(reversed(found))
                raise
            delivery.wake()

    def _tidy(self, real: float) -> None:
        if self._tidied is not None and 0 <= real - self._tidied < TIDY:
            return
        self._tidied = real
        oldest = [(kind, real - life) for kind, life in LIFE.items()]

        def tidy(store: Any) -> None:
            store.expire(oldest, real)
            store.prune(real)

        self.outbox.use(tidy)

    # ---- the day's summary --------------------------------------------------------------

    def _summary(self, market: float, real: float) -> tuple[Notice, list[Message]] | None:
        """The summary's notice and messages when it is time and it was not sent today."""
        chosen = self.chosen.summary
        if not chosen.enabled or real - self._began < SETTLE:
            return None
        day = daily_summary.due_day(market, chosen.time)
        if day is None or daily_summary.key(day) in self._told:
            return None
        title, text = self._summary_text(market)
        heading = f"Daily summary, {title}"
        key = daily_summary.key(day)
        notice = Notice((key,), market, "summary", "info", heading, text, None, "/indicator")
        messages = [
            Message(name, "summary", "info", heading, text, real, key)
            for name in self.deliveries
            if self._wants(name, "summary")
        ]
        heard = self._wants(BROWSER, "summary")
        self.recent = [shown(as_row(notice, real), heard, self._mode()), *self.recent][:RECENT]
        return notice, messages

    def _summary_text(self, market: float) -> tuple[str, str]:
        symbols = self._settings.gex.symbols
        return notice_report.morning(self._snapshot, symbols, market, self._mode())

    # ---- the test button ----------------------------------------------------------------

    def test(self, target: str, kind: str = "test") -> dict[str, Any]:
        """Send one message to a target now: {target, ok, text, seconds}.

        kind "summary" sends the day's summary as it would be now.

        Raises:
            SettingsError: there is no such target or kind.
            StorageError: the log cannot be written.
        """
        if kind not in ("test", "summary"):
            raise SettingsError("kind must be test or summary", "kind")
        market, real = self._clock.market(), self._clock.real()
        title, text = "Test of Grok Sauce", "This target works. Nothing happened in the market."
        if kind == "summary":
            title, text = self._summary_text(market)
            title = f"Daily summary, {title}"
        if target == BROWSER:
            row = NoticeRow(
                f"test:{int(real * 1000)}", market, real, "test", "info", title, text, None, None
            )
            self.recent = [shown(row, True, self._mode()), *self.recent][:RECENT]
            self._tell()
            return {"target": target, "ok": True, "text": "sent to the open pages", "seconds": 0.0}
        delivery = self.deliveries.get(target)
        if delivery is None:
            raise SettingsError(f"there is no target named {target[:20]}", "target")
        one = Letter(title, text, "info", f"test-{int(real * 1000)}", real)
        return {"target": target, **delivery.test(one)}


def notice_desk(
    data: Path,
    environ: Mapping[str, str],
    snapshot: Snapshot,
    publish: Callable[[Sequence[Update]], None],
    clock: Clock,
    mode: Callable[[], Mapping[str, Any]],
    demo: bool,
) -> NoticeDesk:
    """The desk of a process. A demo begins without notices: another start is another market.

    Raises:
        SettingsError: a knob is wrong.
    """
    path = data / "notices.db"
    if demo:
        for leftover in data.glob("notices.db*"):
            leftover.unlink(missing_ok=True)
    settings = knobs.read_env(NotifySettings, environ)
    return NoticeDesk(path, settings, snapshot, publish, clock, lambda: str(mode()["name"]), demo)
