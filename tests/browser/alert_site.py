"""Pages of the alert half over answers made up here, with a socket that says what a test wants.

render(templates, path, template, **values) -> str     a page at an address
Live(site)                                              its socket: rooms "alerts" and "health"
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import flask

from grok_sauce.web.format import FILTERS

ROOT = Path(__file__).parents[2]
PAGES = ("Indicator", "GEX", "Butterfly", "Alerts", "Strategies", "Setup", "Status")
# A Socket.IO client whose server is the same made-up site: rooms are read over HTTP.
CLIENT = """
(() => {
  const handlers = {};
  const seq = { alerts: 0, health: 0 };
  const state = { dead: false, rooms: new Set() };
  const socket = {
    connected: false,
    on(name, run) { handlers[name] = run; },
    timeout() { return socket; },
    connect() {
      setTimeout(() => {
        if (state.dead) { handlers.connect_error(new Error("gone")); return; }
        socket.connected = true;
        handlers.connect();
      }, 0);
    },
    disconnect() { socket.connected = false; },
    async emit(name, params, answer) {
      if (name !== "subscribe") return;
      state.rooms.add(params.page);
      const path = params.page === "health" ? "/api/health" : "/api/live";
      const found = await fetch(path).catch(() => null);
      if (!found) return;
      const body = await found.json();
      const whole = params.page === "health" ? { health: body } : body;
      answer(null, { epoch: "e", seq: seq[params.page], t: 0, full: true, ...whole });
    },
  };
  const push = (page, body, full = false) => {
    seq[page] += 1;
    handlers[`update_${page}`]({ epoch: "e", seq: seq[page], t: 0, full, ...body });
  };
  setInterval(async () => {
    if (!socket.connected || !state.rooms.has("health")) return;
    const found = await fetch("/api/health").catch(() => null);
    if (found && socket.connected) push("health", { health: await found.json() }, true);
  }, 300);
  window.io = () => socket;
  window.fake = {
    push,
    followed: (page) => state.rooms.has(page),
    kill() { state.dead = true; socket.connected = false; handlers.disconnect(); },
  };
})();
"""


def render(templates: Any, path: str, template: str, needs: int | None = 5, **values: Any) -> str:
    """A page of the alert half at an address, whose query the template reads."""
    app = flask.Flask(__name__, template_folder=str(ROOT / "templates"))
    app.jinja_env.filters.update(FILTERS)
    router = {"mark": "down" if needs else "fresh", "needs": needs}
    router["text"] = f"{needs} need you" if needs else "0 waiting"
    context: dict[str, Any] = {
        "pages": [{"name": each.lower(), "path": f"/{each.lower()}", "label": each,
                   "key": {"Alerts": "a", "Strategies": "t"}.get(each)} for each in PAGES],
        "page": template.removesuffix(".html"),
        "csp_nonce": "n0nce",
        "csrf_token": "t0ken",
        "display": templates.SETTINGS["display"],
        "health": templates.make_health(router=router),
        "settings_problem": None,
        "signed_in": False,
        "version": "0.1.0",
        "asset": lambda name: f"/static/{name}?v=1",
        "epoch": "e",
        "seq": 0,
    }  # fmt: skip
    with app.test_request_context(path):
        return flask.render_template(template, **context | values)


class Live:
    """What the socket says; the newest state is kept for whoever subscribes later."""

    def __init__(self, site: Any) -> None:
        self.site = site
        self.page = site.page
        self.snapshot()
        self.page.route(
            "**/socket.io.min.js*",
            lambda route: route.fulfill(body=CLIENT, content_type="text/javascript"),
        )

    def snapshot(self, **values: Any) -> None:
        """What a subscription is answered."""
        known: dict[str, Any] = {"rows": [], "removed": [], "numbers": None, "tree_changed": None}
        self.site.api["GET /api/live"] = (200, known | values)

    def push(self, *rows: dict[str, Any], **values: Any) -> None:
        """One message of the room, after the page has subscribed."""
        self.page.wait_for_function("window.fake.followed('alerts')")
        body = {"rows": list(rows), "removed": [], **values}
        self.page.evaluate("body => window.fake.push('alerts', body)", body)

    def kill(self) -> None:
        """The server is gone, for the socket and for requests."""
        self.site.is_down = True
        self.page.evaluate("window.fake.kill()")
