"""Deliveries in both async modes: over TLS, through the library, and beside everything else."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller

from tests.publishers.notify_kit import webhook
from tests.publishers.test_notify_mail import Post, free_port

PROGRAM = """
import json, sys, threading
from pathlib import Path
from grok_sauce.runtime import concurrency
mode, folder, mail, hook, hanging, authority = sys.argv[1:]
concurrency.patch(mode)
import ssl, time
from grok_sauce.publishers.notify import Delivery, Outbox
from grok_sauce.publishers.notify_chat import ChatTarget
from grok_sauce.publishers.notify_mail import MailTarget
from grok_sauce.publishers.notify_settings import NotifySettings
from grok_sauce.runtime.clock import RealClock
from grok_sauce.storage.notices import Message

clock = RealClock()
outbox = Outbox(Path(folder) / "notices.db", clock)
knobs = NotifySettings(smtp_host="127.0.0.1", smtp_port=int(mail), sender="a@example.net",
                       receivers=("b@example.net",))
context = ssl.create_default_context(cafile=authority)
targets = [MailTarget(knobs, context), ChatTarget("chat", f"json://127.0.0.1:{hook}/"),
           ChatTarget("slow", f"json://127.0.0.1:{hanging}/")]
deliveries = [Delivery(each, outbox, clock, lambda: True) for each in targets]
names = [each.name for each in targets]
outbox.use(lambda store: store.put((), (), [
    Message(name, "notice", "warn", f"to {name}", "text", clock.real()) for name in names]))
stop = threading.Event()
threads = [concurrency.spawn(each.run, stop) for each in deliveries]
gaps, last, end = [], time.monotonic(), time.monotonic() + 20
while time.monotonic() < end:
    concurrency.sleep(0.01)
    now = time.monotonic()
    gaps.append(now - last)
    last = now
    states = {row.target: row.state for row in outbox.use(lambda store: store.log(9))}
    if states["email"] == states["chat"] == "sent":
        break
stop.set()
began = time.monotonic()
for thread in threads:
    thread.join(5)
print(json.dumps({"states": states, "gap": sorted(gaps)[-1], "stopped": time.monotonic() - began,
                  "alive": [t.is_alive() for t in threads]}))
sys.stdout.flush()
import os
os._exit(0)
"""


@pytest.mark.parametrize("mode", ["eventlet", "threading"])
def test_mail_and_chat_arrive_while_another_target_hangs_and_others_go_on(
    mode: str, tmp_path: Path
) -> None:
    authority, post = trustme.CA(), Post()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    mail: Any = Controller(
        post, hostname="127.0.0.1", port=free_port(), tls_context=context, require_starttls=True
    )
    mail.start()
    try:
        with webhook() as hook, webhook() as hanging:
            hanging.hangs = True
            done = subprocess.run(
                [sys.executable, "-c", PROGRAM, mode, str(tmp_path), str(mail.port),
                 str(hook.port), str(hanging.port), str(tmp_path / "authority.pem")],
                cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=60,
                check=False,
            )  # fmt: skip
    finally:
        mail.stop()

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["states"] == {"email": "sent", "chat": "sent", "slow": "waiting"}
    assert post.secure == [True]
    assert [json.loads(each)["title"] for each in hook.posts] == ["to chat"]
    assert found["alive"] == [False, False, False]
    assert found["gap"] < 2.0, "somebody held the loop"
