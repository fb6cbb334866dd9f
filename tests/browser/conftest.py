"""A headless Chromium that gets every answer from here: no server, nothing leaves."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).parents[2]
ORIGIN = "http://127.0.0.1:9"
POLICY = (
    "default-src 'self'; script-src 'self' 'nonce-n0nce'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self'"
)
NO_NOTICES = {
    "epoch": "e", "seq": 0, "t": 0, "notice": None, "notices": [], "targets": [],
    "deliveries": [], "quiet": False,
}  # fmt: skip
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


def load_templates() -> Any:
    """The helpers of tests/web/test_templates.py, which is no package."""
    path = ROOT / "tests/web/test_templates.py"
    spec = importlib.util.spec_from_file_location("templates_under_test", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def templates() -> Any:
    return load_templates()


class Site:
    """Answers of the server that is not there; `asked` are the API requests, in order."""

    def __init__(self, page: Any) -> None:
        self.is_down = False  # nobody answers the API
        self.page = page
        self.pages: dict[str, str] = {}
        self.api: dict[str, Any] = {"GET /api/notices": (200, NO_NOTICES)}  # each page asks
        self.asked: list[tuple[str, str, Any]] = []
        self.foreign: list[str] = []
        self.complaints: list[str] = []
        page.route("**/*", self._answer)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._listen)

    def _listen(self, message: Any) -> None:
        if message.type == "error" and "net::ERR" not in message.text:
            self.complaints.append(message.text)

    def _answer(self, route: Any) -> None:
        url = urlsplit(route.request.url)
        if f"{url.scheme}://{url.netloc}" != ORIGIN:
            self.foreign.append(route.request.url)
            route.abort()
        elif url.path in self.pages:
            headers = {"Content-Security-Policy": POLICY}
            route.fulfill(body=self.pages[url.path], content_type="text/html", headers=headers)
        elif url.path.startswith("/static/"):
            file = ROOT / url.path.lstrip("/")
            route.fulfill(body=file.read_bytes(), content_type=TYPES[file.suffix])
        elif url.path.startswith(("/api/", "/strategy/")):
            self._answer_api(route, url.path)
        else:
            route.abort()

    def _answer_api(self, route: Any, path: str) -> None:
        if self.is_down:
            route.abort()
            return
        request = route.request
        self.asked.append((request.method, path, request.post_data_json))
        status, value = 404, {"error": {"code": "none", "message": f"no {path}"}}
        answer: Any = self.api.get(f"{request.method} {path}")
        if answer is not None:
            status, value = answer
        route.fulfill(status=status, body=json.dumps(value), content_type="application/json")

    def open(self, path: str) -> None:
        self.page.goto(ORIGIN + path)
        self.page.wait_for_load_state("load")


@pytest.fixture
def visit(chromium: Any) -> Iterator[Callable[..., Site]]:
    contexts = []

    def start(width: int = 1440, height: int = 900, **options: Any) -> Site:
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(8000)
        return Site(page)

    yield start
    for context in contexts:
        context.close()
