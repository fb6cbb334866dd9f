"""Products started by a test are ended after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.product.alerts_demo import Router
from tests.product.browser import Open, opener
from tests.product.harness import Product


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Product]]:
    """Start products; all are ended after the test."""
    running: list[Product] = []

    def launch(*arguments: str, folder: str = "one", **kwargs: Any) -> Product:
        product = Product(tmp_path / folder, *arguments, **kwargs)
        running.append(product)
        return product

    yield launch
    for product in running:
        if product.process.poll() is None:
            product.process.kill()
            product.process.wait(timeout=10)


@pytest.fixture
def open_tab(chromium: Any) -> Open:
    """Open tabs in the shared Chromium, each in a context of its own."""
    return opener(chromium)


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Callable[..., Router]]:
    """Start routers, each on a folder of its own; all are ended after the test."""
    running: list[Router] = []

    def begin(routing: Any = None, *arguments: str, folder: str = "router", **kw: Any) -> Router:
        running.append(Router(tmp_path / folder, routing, *arguments, **kw))
        return running[-1]

    yield begin
    for router in running:
        if router.process.poll() is None:
            router.process.kill()
            router.process.wait(timeout=10)
