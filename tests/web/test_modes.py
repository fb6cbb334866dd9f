"""The site on a real socket in both async modes: sign in, write, run out of tries."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Runs in a process of its own: patching is for good.
SCRIPT = """
import sys
from grok_sauce.runtime import concurrency
concurrency.patch(sys.argv[1])
import http.client, json, re, urllib.parse
from pathlib import Path
from werkzeug.security import generate_password_hash
from grok_sauce.controls import Controls
from grok_sauce.publishers.snapshot import Snapshot
from grok_sauce.questions import Questions
from grok_sauce.runtime.clock import RealClock
from grok_sauce.settings import SettingsStore
from grok_sauce.web.app import create_app
from grok_sauce.web.settings import WebSettings
from grok_sauce.web.site import WebDeps

folder = Path(sys.argv[2])
(folder / "templates").mkdir()
(folder / "static").mkdir()
for name in ("login", "setup", "error"):
    (folder / "templates" / f"{name}.html").write_text("{{ csrf_token }}|{{ revision }}|")
keep = folder / "keep"
store = SettingsStore(folder / "settings.json", keep, secrets=lambda: {"API_TOKEN": True})
store.load()
questions, controls = Questions(concurrency.spawn), Controls()
questions.register("settings.read", store.read)
controls.register("settings.save", store.save)
web = WebSettings(
    dashboard_password=generate_password_hash("correct horse", "scrypt:1024:8:1"),
    logins_per_hour=3,
)
app = create_app(WebDeps(
    Snapshot("e"), controls, questions, store, RealClock(), folder / "data", web,
    folder / "templates", folder / "static",
))
sock = concurrency.listen("127.0.0.1", 0)
port = sock.getsockname()[1]
server = concurrency.Server(sock, app)
concurrency.spawn(server.serve)
cookies = {}

def send(method, path, body=None, **headers):
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    if cookies:
        headers["Cookie"] = "; ".join(f"{k}={v}" for k, v in cookies.items())
    link.request(method, path, body, headers)
    answer = link.getresponse()
    for line in answer.headers.get_all("Set-Cookie") or ():
        name, _, value = line.partition(";")[0].partition("=")
        cookies[name] = value
    return answer.status, answer.read().decode()

def sign_in(password):
    token = send("GET", "/login")[1].partition("|")[0]
    form = urllib.parse.urlencode({"password": password, "csrf_token": token})
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    return send("POST", "/login", form, **kind)[0]

found = {"closed": send("GET", "/api/settings")[0], "health": send("GET", "/health")[0]}
found["wrong"] = sign_in("wrong")
found["right"] = sign_in("correct horse")
token, revision = send("GET", "/setup")[1].split("|")[:2]
body = json.dumps({"revision": revision, "settings": {"gex": {"expiries": 7}}})
headers = {"Content-Type": "application/json", "X-CSRF-Token": token}
found["save"] = send("PUT", "/api/settings", body, **headers)[0]
found["again"] = send("PUT", "/api/settings", body, **headers)[0]
found["saved"] = json.loads(send("GET", "/api/settings")[1])["settings"]["gex"]["expiries"]
cookies.clear()
found["tries"] = [sign_in("wrong") for _ in range(4)]
print(json.dumps(found), flush=True)
import os
os._exit(0)
"""


@pytest.mark.parametrize("mode", ["eventlet", "threading"])
def test_the_site_works_on_a_real_socket(mode: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, mode, str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "closed": 401,
        "health": 503,
        "wrong": 401,
        "right": 303,
        "save": 200,
        "again": 409,
        "saved": 7,
        "tries": [401, 401, 401, 429],
    }
