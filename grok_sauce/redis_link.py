"""A connection to Redis with short waits and typed errors; the only module that names redis-py."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Final
from urllib.parse import urlsplit

from grok_sauce.errors import SettingsError, SourceError, SourceRefused, reason_of
from grok_sauce.settings import knob
from grok_sauce.values import dataclass

if TYPE_CHECKING:
    from grok_sauce.runtime.clock import Clock

# Said wherever the package is wanted and not there.
INSTALL: Final = f"{sys.executable} -m pip install -r requirements-redis.txt -c constraints.txt"
DEFAULT_PORT: Final = 6379
# A subscriber hears nothing of a server that vanished; after so many quiet seconds it asks.
QUIET: Final = 5.0


class RedisUnreachable(SourceError):
    """No answer: nobody listens there, the connection was cut, or the answer came too late."""


class RedisRefusal(SourceError):
    """Redis answered with an error; the message says which."""


@dataclass(frozen=True, slots=True)
class RedisSettings:
    """Where Redis is; None means that nothing of this process uses it.

    The address may hold a password, so it is shown through place() only.
    """

    ENV: ClassVar[dict[str, str]] = {"url": "REDIS_URL"}

    url: str | None = knob(None, url=True, secret=True)

    def __post_init__(self) -> None:
        if self.url is None:
            return
        parts = urlsplit(self.url)
        number = parts.path.strip("/")
        if parts.scheme not in {"redis", "rediss"} or not (number == "" or number.isdecimal()):
            raise SettingsError(
                "REDIS_URL must be like redis://127.0.0.1:6379/0 "
                "(rediss:// for TLS, redis://name:password@host:6379/0 with a login)",
                "REDIS_URL",
            )
        if parts.query or parts.fragment:
            raise SettingsError("REDIS_URL takes no options after its address", "REDIS_URL")

    @property
    def place(self) -> str:
        """The address without login, fit for pages and logs; "" when there is none."""
        if self.url is None:
            return ""
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        shown = f"[{host}]" if ":" in host else host
        return f"{parts.scheme}://{shown}:{parts.port or DEFAULT_PORT}/{parts.path.strip('/') or 0}"


@dataclass(frozen=True, slots=True)
class RedisAbout:
    """What a server says of itself: version (None: not told), and its answer's time in ms."""

    version: str | None
    answer_ms: float


@dataclass(frozen=True, slots=True)
class RedisMessage:
    """One published message, as its bytes came; nothing of it is to be believed."""

    channel: str
    body: bytes


def connect(settings: RedisSettings, clock: Clock, wait: float = 2.0) -> RedisLink:
    """A link to the server of REDIS_URL. Nothing is sent before the first command.

    wait (seconds) limits the connecting, and each wait for bytes of an answer; give more than a
    blocking command (XREAD BLOCK) may take. The package is loaded by the first call, which
    takes about 0.15 s.

    Raises:
        SettingsError: there is no REDIS_URL.
        SourceRefused: the package is not installed; the message says which command does it.
    """
    if settings.url is None:
        raise SettingsError("REDIS_URL is not set", "REDIS_URL")
    try:
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError:
        raise SourceRefused(
            f"REDIS_URL is set and the package redis is not installed: {INSTALL}"
        ) from None
    client = redis.Redis.from_url(
        settings.url,
        protocol=2,  # every server since Redis 2 speaks it
        socket_connect_timeout=wait,
        socket_timeout=wait,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), 0),  # whether and when to try again is the supervisor's
        client_name="grok-sauce",
    )
    return RedisLink(client, settings.place, clock, wait)


class RedisLink:
    """One server. Any thread may use it; each command in flight has a connection of its own.

    A connection that failed is opened anew by the next command. Every method raises
    RedisUnreachable or RedisRefusal, both of them a SourceError, and never repeats a command:
    after RedisUnreachable it may have been carried out or not. Answers are bytes, int, None, or
    lists of them, as redis-py gives them without decoding.
    """

    def __init__(self, client: Any, place: str, clock: Clock, wait: float) -> None:
        self._client = client
        self.place = place
        self._clock = clock
        self._wait = wait

    def do(self, *command: str | bytes | int | float) -> Any:
        """Carry out one command: do("HSET", "latest", "SPY", body)."""
        with _typed(self.place):
            return self._client.execute_command(*command)

    def send(
        self, commands: Sequence[Sequence[str | bytes | int | float]], transaction: bool = False
    ) -> list[Any]:
        """Carry out many commands in one journey; their answers in order.

        All are carried out before the first error among their answers is raised. A transaction
        (MULTI, EXEC) lets no other client's commands come between.
        """
        for answer in (answers := self.try_each(commands, transaction)):
            if isinstance(answer, RedisRefusal):
                raise answer
        return answers

    def try_each(
        self, commands: Sequence[Sequence[str | bytes | int | float]], transaction: bool = False
    ) -> list[Any]:
        """As send(), with a RedisRefusal in the place of each answer that is an error."""
        import redis

        with _typed(self.place), self._client.pipeline(transaction=transaction) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)
            return [
                RedisRefusal(f"Redis at {self.place} refused: {_words(answer)}")
                if isinstance(answer, redis.RedisError)
                else answer
                for answer in pipeline.execute(raise_on_error=False)
            ]

    def hear(self, channels: Sequence[str], patterns: Sequence[str] = ()) -> RedisEar:
        """Listen to channels (and to those that match patterns), from now on."""
        pubsub = self._client.pubsub(ignore_subscribe_messages=False)
        with _typed(self.place):
            try:
                if channels:
                    pubsub.subscribe(*channels)
                if patterns:
                    pubsub.psubscribe(*patterns)
            except BaseException:
                pubsub.close()
                raise
        return RedisEar(pubsub, self.place, self._clock, self._wait)

    def about(self) -> RedisAbout:
        """Ask whether it is there (PING) and who it is (INFO server)."""
        began = self._clock.monotonic()
        self.do("PING")
        took = (self._clock.monotonic() - began) * 1000.0
        try:
            found = self.do("INFO", "server")
        except RedisRefusal:  # a login without the right to ask; PING was answered
            return RedisAbout(None, took)
        version = found.get("redis_version") if isinstance(found, dict) else None
        return RedisAbout(None if version is None else str(version), took)

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._client.close()


class RedisEar:
    """What is published on the channels of hear(). One thread reads it."""

    def __init__(self, pubsub: Any, place: str, clock: Clock, wait: float) -> None:
        self._pubsub = pubsub
        self._place = place
        self._clock = clock
        self._wait = wait
        self._said = clock.monotonic()  # when the server last said anything
        self._asked: float | None = None

    def read(self, seconds: float) -> RedisMessage | None:
        """The next message; None when there is none within so many seconds.

        Also None for what is no message, such as a subscription confirmed. A server that says
        nothing for a while is asked whether it is still there; read() raises RedisUnreachable
        when it does not answer that. Call it again within a few seconds.
        """
        with _typed(self._place):
            found = self._pubsub.get_message(timeout=seconds)
            if found is None:
                self._mind()
                return None
        self._said, self._asked = self._clock.monotonic(), None
        if found["type"] not in ("message", "pmessage"):
            return None
        return RedisMessage(found["channel"].decode("utf-8", "replace"), found["data"])

    def _mind(self) -> None:
        """Ask a quiet server; give up on one that was asked and stays quiet."""
        now = self._clock.monotonic()
        if self._asked is not None:
            if now - self._asked > self._wait:
                raise RedisUnreachable(f"Redis at {self._place} says nothing any more")
        elif now - self._said > QUIET:
            self._pubsub.ping()
            self._asked = now

    def close(self) -> None:
        """Stop listening."""
        self._pubsub.close()


@contextmanager
def _typed(place: str) -> Iterator[None]:
    """Errors of the package and of sockets as ours, without what was sent."""
    import redis

    try:
        yield
    except redis.AuthenticationError as problem:
        raise RedisRefusal(
            f"Redis at {place} wants another login than REDIS_URL has: {_words(problem)}"
        ) from None
    except redis.TimeoutError:
        raise RedisUnreachable(f"Redis at {place} did not answer in time") from None
    except redis.BusyLoadingError:
        raise RedisUnreachable(f"Redis at {place} is loading its data") from None
    except redis.ConnectionError as problem:
        raise RedisUnreachable(f"Redis at {place} cannot be reached: {_cause(problem)}") from None
    except redis.RedisError as problem:
        raise RedisRefusal(f"Redis at {place} refused: {_words(problem)}") from None
    except OSError as problem:
        raise RedisUnreachable(f"Redis at {place} cannot be reached: {_cause(problem)}") from None


def _words(problem: Exception) -> str:
    """A server's error in one short line, without the command that redis-py quotes before it."""
    text = " ".join(str(problem).rpartition("caused error: ")[2].split())
    return text.partition(", with args")[0][:160] or type(problem).__name__


def _cause(problem: BaseException) -> str:
    """What the system said, in words; what redis-py said when there was no such thing."""
    cause: BaseException | None = problem
    while cause is not None:
        if isinstance(cause, OSError) and reason_of(cause):
            return reason_of(cause)
        cause = cause.__cause__ or cause.__context__
    return " ".join(str(problem).split())[:160] or type(problem).__name__
