"""The simulated press: what is written on a day, told by several outlets, as hostile as life.

articles(seed, day) -> tuple[Article, ...]      in the order of publication, New York day
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from random import Random
from typing import Any, Final

from grok_sauce.market.calendar_week import amount, week_of
from grok_sauce.market.sessions import instant, is_session, new_york_date
from grok_sauce.simulator import agenda
from grok_sauce.simulator.figures import dice
from grok_sauce.values import dataclass

_OUTLETS: Final = (
    ("example-wire", "Example Wire", "wire.example.com"),
    (None, "Harbor Business Daily", "harbor.example.net"),
    (None, "The Ledger", "ledger.example.org"),
    ("market-post", "Market Post", "post.example.com"),
    (None, "Prairie Finance", "prairie.example.net"),
)
_AUTHORS: Final = (
    "Ana Lim",
    "J. Okafor",
    "",
    None,
    "Ana Lim, Tom Reyes",
    "https://example.com/u/7",
)
_SUBJECTS: Final = (
    "Stock market", "Index futures", "Treasury yields", "The dollar", "Gold", "Oil",
    "Apple", "Nvidia", "Microsoft", "Banks", "Chip makers", "Small caps", "Retailers",
)  # fmt: skip
_MOVES: Final = (
    ("edge higher", "as inflation worries ease"), ("slip", "before the Fed's decision"),
    ("rally to a record", "on strong earnings"), ("fall", "as the economy slows"),
    ("are little changed", "in a quiet market"), ("drop sharply", "after a profit warning"),
    ("recover", "as GDP growth surprises"), ("swing", "while traders wait for jobs data"),
)  # fmt: skip
_REMOVED: Final[dict[str, Any]] = {
    "source": {"id": None, "name": "[Removed]"},
    "author": None,
    "title": "[Removed]",
    "description": "[Removed]",
    "url": "https://removed.com",
    "urlToImage": None,
    "publishedAt": "1970-01-01T00:00:00Z",
    "content": "[Removed]",
}


@dataclass(frozen=True, slots=True)
class Article:
    """When it was published (Unix seconds) and the row NewsAPI makes of it."""

    at: float
    row: dict[str, Any]

    @property
    def text(self) -> str:
        """What a search looks through, in lower case."""
        return f"{self.row['title']} {self.row['description'] or ''}".lower()


@lru_cache(maxsize=64)
def articles(seed: int, day: date) -> tuple[Article, ...]:
    """All articles of a New York day."""
    luck = dice(seed, day, "press")
    found: list[Article] = []
    for n in range(26 if is_session(day) else 7):
        subject, (move, why) = luck.choice(_SUBJECTS), luck.choice(_MOVES)
        at = instant(day, luck.randrange(5, 20), luck.randrange(60)) + luck.randrange(60)
        found += _told(luck, at, f"{subject} {move} {why}", n)
    for planned in agenda.week(seed, week_of(day), instant(day, 23)):
        if planned.measure and new_york_date(planned.at) == day:
            at = planned.at + luck.uniform(90.0, 400.0)
            found += _told(luck, at, _outcome(planned), len(found), most=3)
    return tuple(sorted(found, key=lambda article: article.at))


def _outcome(planned: agenda.Planned) -> str:
    """A title that says what the release said: the same figures as everywhere else."""
    value, expected = amount(planned.actual), amount(planned.forecast)
    if value is None or expected is None or value.value == expected.value:
        verdict = "in line with forecasts"
    else:
        side = "above" if value.value > expected.value else "below"
        verdict = f"{side} forecasts of {planned.forecast}"
    return f"US economy: {planned.title} at {planned.actual}, {verdict}"


def _told(luck: Random, at: float, title: str, n: int, most: int = 2) -> list[Article]:
    """One story by one outlet or several, with the flaws that rows of life have."""
    if n % 25 == 24:
        return [Article(at, dict(_REMOVED))]
    found = []
    count = 1 + (luck.random() < 0.3) * luck.randrange(1, most)
    for number, (name, outlet, host) in enumerate(luck.sample(_OUTLETS, count)):
        later = at + number * luck.uniform(60.0, 1800.0)
        slug = "-".join(title.lower().replace(":", "").replace(",", "").replace("%", "").split())
        shown = f"{title} - {outlet}" if number else title
        teaser: str | None = f"{title}. What traders say about the market."
        if n % 9 == 4:
            teaser = f"<ul><li>{title}</li><li>More &amp; more</li></ul><script>alert(1)</script>"
        elif n % 7 == 5:
            teaser = None
        when = datetime.fromtimestamp(int(later), UTC)
        row = {
            "source": {"id": name, "name": outlet},
            "author": luck.choice(_AUTHORS),
            "title": shown,
            "description": teaser,
            "url": f"https://{host}/{when:%Y/%m/%d}/{slug[:80]}-{int(at) % 100000}",
            "urlToImage": None,
            "publishedAt": f"{when:%Y-%m-%dT%H:%M:%SZ}",
            "content": f"{title}.\r\n<p>Simulated text… [+{luck.randrange(900, 6000)} chars]",
        }
        found.append(Article(later, row))
    return found
