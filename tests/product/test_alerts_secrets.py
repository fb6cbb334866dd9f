"""After a run with every kind of alert and mistake no secret is in a log, page, number or file."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from grok_sauce.simulator.listener import Listener
from tests.product import alerts_demo as demo
from tests.product.alerts_demo import Router
from tests.product.harness import MODES

SIGNING = "canary-signing-0123456789abcdefghij"
SENDING = "canary-sending-0123456789abcdefghij"
IN_BODY = "canary-of-the-body-0123456789-abcdefghijklmnopqrst"
WRONG = "canary-of-the-path-0123456789-abcdefghijklmnopqrst"
PASSED_ON = "canary-field-that-is-no-secret"
PAGES = (
    "/", "/alerts", "/strategies", "/status", "/setup", "/login", "/health", "/metrics",
    "/api/health", "/api/alerts", "/api/alerts?tab=dead", "/api/alerts?tab=security",
    "/api/alerts.csv", "/api/alerts/security", "/api/alerts/audit", "/api/routing",
    "/api/routing/export", "/api/tokens", "/api/settings", "/nowhere",
)  # fmt: skip


def order(n: int, **more: object) -> dict[str, object]:
    return {
        "ticker": "NQ", "action": "buy", "current_position": "flat", "new_pos": "long", "qty": 1,
        "price": n, "trade_id": f"Open_Long_ID_{n}", "comment": PASSED_ON, **more,
    }  # fmt: skip


def raw(port: int, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def misuse(router: Router, token: str) -> list[bytes]:
    """Every way to be wrong; what was answered."""
    path, body = f"/webhook/{token}", json.dumps(order(50)).encode()
    tries = [
        ("POST", f"/webhook/{WRONG}", body),
        ("POST", "/webhook", json.dumps(order(51, secret=IN_BODY)).encode()),
        ("POST", "/webhook", json.dumps(order(52, key=IN_BODY)).encode()),
        ("POST", path, b'{"secret": "' + IN_BODY.encode() + b'", "ticker": '),
        ("POST", path, b'{"secret": "' + IN_BODY.encode() + b'", "price": NaN}'),
        ("POST", path, json.dumps({"auth_token": IN_BODY, "ticker": "NQ"}).encode()),
        ("POST", path, json.dumps(order(53, ticker="NOWHERE", secret=IN_BODY)).encode()),
        ("POST", path, json.dumps(order(54, nested={"secret": IN_BODY})).encode()),
        ("POST", path, b"[" * 9000),
        ("POST", path, b"x" * 20_000),
        ("GET", path, b""),
        ("PUT", path, body),
        ("POST", f"{path}/more", body),
        ("POST", f"{path}?token={WRONG}", body),
        ("GET", f"/alerts?alert={token}", b""),
        ("GET", f"/api/alerts?q={token}", b""),
    ]
    answers = [raw(router.port, *each) for each in tries]
    assert all(status < 500 for status, _ in answers), answers
    return [text for _, text in answers]


def texts(router: Router) -> Iterator[tuple[str, bytes]]:
    """Everything a person or program may read of it while it runs."""
    for page in PAGES:
        yield page, router.get(page)[1]
    for row in json.loads(router.get("/api/alerts")[1])["rows"]:
        yield f"/api/alerts/{row['id']}", router.get(f"/api/alerts/{row['id']}")[1]


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Everything it left on disk but the one file that is made for the token."""
    for file in folder.rglob("*"):
        if file.is_file() and file.name not in ("webhook_token", "env"):
            yield file.name, file.read_bytes()


def spellings(secret: str) -> list[bytes]:
    """As it is, and half of it; base64 hides nothing either."""
    raw_bytes = secret.encode()
    return [raw_bytes, raw_bytes[: len(raw_bytes) // 2], base64.b64encode(raw_bytes)[:24]]


@pytest.mark.parametrize("mode", MODES)
def test_no_secret_is_found_anywhere_after_a_run(launch: Callable[..., Router], mode: str) -> None:
    env = {"ALERT_SIGNING_SECRET": SENDING, "WEBHOOK_SIGNING_SECRET": SIGNING}
    with Listener() as good, Listener(status=500) as bad:
        router = launch(
            demo.tree({"NQ": [good.port, bad.port]}, delay_s=0, idempotent=False),
            "--log-level", "DEBUG", mode=mode, **env,
        ).wait()  # fmt: skip
        token = router.token
        made = router.api("POST", "/api/tokens", {"name": "second"})
        secrets = [token, made["token"], IN_BODY, WRONG, SIGNING, SENDING]

        assert router.webhook(order(1)).status == 200
        assert router.webhook(order(2, secret=made["token"]), token=None).status == 200
        answers = misuse(router, token)
        router.settle()
        found = [("answer", text) for text in answers]
        found += [each for each in texts(router)]
        signed = good.posts()[-1].headers
        demo.end(router)
        found += [each for each in files(router.folder)]

    seen = {
        (where, secret[:14])
        for where, text in found
        for secret in secrets
        for spelling in spellings(secret)
        if spelling in text
    }
    assert seen == set()
    log = router.text()
    assert "Traceback" not in log
    assert len(log) > 200
    assert any(PASSED_ON.encode() in text for where, text in found if where.startswith("/api/a"))
    assert signed["webhook-signature"].startswith("v1,")
    digest = hashlib.sha256(token.encode()).hexdigest()
    stored = [text for name, text in found if name.startswith("alerts.db")]
    assert any(digest.encode() in text for text in stored)


def test_the_first_token_is_kept_in_a_file_for_its_owner_alone(
    launch: Callable[..., Router],
) -> None:
    router = launch(demo.tree({"NQ": [9060]}, delay_s=60)).wait()

    token = router.token

    assert re.fullmatch(r"[A-Za-z0-9_-]{43,}", token)
    assert ((router.data / "webhook_token").stat().st_mode & 0o777) == 0o600
    assert "webhook_token" in router.text()
    assert router.webhook(order(1), token=None).status == 401
    assert router.webhook(order(1)).status == 200
    router.kill()
    router.start().wait()
    assert router.token == token


def test_a_signature_is_the_standard_one(launch: Callable[..., Router]) -> None:
    import hmac

    with Listener() as listener:
        router = launch(
            demo.tree({"NQ": [listener.port]}, delay_s=0), ALERT_SIGNING_SECRET=SENDING
        ).wait()
        assert router.webhook(order(1)).status == 200
        router.settle()
        (post,) = listener.posts()

    heads = post.headers
    body = json.dumps(post.body, separators=(",", ":"))
    text = f"{heads['webhook-id']}.{heads['webhook-timestamp']}.{body}".encode()
    wanted = base64.b64encode(hmac.digest(SENDING.encode(), text, "sha256")).decode()
    assert heads["webhook-signature"] == f"v1,{wanted}"
    assert heads["webhook-id"] == heads["idempotency-key"] == post.key
