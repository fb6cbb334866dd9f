"""One question to NewsAPI: counted before it is asked, refusals told apart."""

from __future__ import annotations

from typing import ClassVar, Final

from grok_sauce.errors import BadPayload, SourceError, SourceRefused
from grok_sauce.http import Http, HttpStatus
from grok_sauce.market.headlines import Headlines
from grok_sauce.pollers.news_parse import WHO, parse_headlines, told
from grok_sauce.pollers.quota import Quota, QuotaUsed
from grok_sauce.settings import knob
from grok_sauce.values import dataclass

PATH: Final = "/v2/everything"
WINDOW: Final = 12 * 3600.0  # seconds over which the plan counts
LONGEST: Final = 500  # characters of a query
LANGUAGES: Final = (
    "ar", "de", "en", "es", "fr", "he", "it", "nl", "no", "pt", "ru", "sv", "ud", "zh",
)  # fmt: skip
SPENT: Final = frozenset({"rateLimited", "apiKeyExhausted"})
KEY: Final = frozenset({"apiKeyInvalid", "apiKeyMissing", "apiKeyDisabled"})


@dataclass(frozen=True, slots=True)
class NewsSettings:
    """NEWSAPI_*: the key, and what is asked for. The interval is in settings.json."""

    ENV: ClassVar[dict[str, str]] = {
        "key": "NEWSAPI_KEY",
        "base": "NEWSAPI_BASE",
        "query": "NEWSAPI_QUERY",
        "language": "NEWSAPI_LANGUAGE",
        "calls": "NEWSAPI_CALLS",
        "largest": "NEWSAPI_MAX_BYTES",
    }

    key: str = knob("", secret=True)  # empty: no news
    base: str = knob("https://newsapi.org", url=True)
    query: str = "market OR fed OR inflation OR gdp OR economic"
    language: str = knob("en", choices=LANGUAGES)
    calls: int = knob(48, low=2, high=100_000)  # in any 12 hours, searches included
    largest: int = knob(4_000_000, low=100_000, high=64_000_000)  # bytes of one answer


class NewsSource:
    """Asks NewsAPI. Any thread may ask; the quota counts for all of them."""

    def __init__(self, settings: NewsSettings, http: Http, quota: Quota) -> None:
        self._settings = settings
        self._http = http
        self.quota = quota

    def fetch(
        self, query: str, now: float, leave: int = 0, size: int = 100
    ) -> tuple[Headlines, bytes]:
        """The newest stories of a query and the body they were read from; now: market time.

        leave: calls that are kept for others.

        Raises:
            QuotaUsed: no call is free, or NewsAPI says so; with the time of the next one.
            SourceRefused: the key is refused.
            BadPayload: the answer is not as documented, or it refuses the question.
            Unreachable, HttpStatus: no answer, or trouble at their side.
        """
        if not self.quota.take(now, leave):
            free = self.quota.next_at(now, leave)
            raise QuotaUsed(f"{WHO}: all calls of these 12 hours are used", free)
        params = {
            "q": query,
            "language": self._settings.language,
            "sortBy": "publishedAt",
            "pageSize": size,
        }
        # The key in a header stays out of addresses, logs and tracebacks.
        headers = {"X-Api-Key": self._settings.key, "Accept": "application/json"}
        try:
            answer = self._http.get(
                self._settings.base.rstrip("/") + PATH,
                params=params,
                headers=headers,
                limit=self._settings.largest,
            )
        except HttpStatus as problem:
            raise self._refusal(problem, now) from None
        return parse_headlines(answer.body, query, now), answer.body

    def _refusal(self, problem: HttpStatus, now: float) -> Exception:
        """What an answer that is no success means for us."""
        try:
            code, text = told(problem.answer.json())
        except BadPayload:
            code, text = "", ""
        if code in SPENT or problem.status == 429:
            until = self.quota.exhausted(now)
            return QuotaUsed(f"{WHO}: no calls are left ({code or problem.status})", until)
        if code in KEY or problem.status == 401:
            return SourceRefused(
                f"{WHO} refuses the key ({code or problem.status}); correct NEWSAPI_KEY in .env"
            )
        if problem.status >= 500:
            return SourceError(str(problem))
        return BadPayload(f"{WHO}: {code or problem.status}: {text or 'no reason given'}")
