"""The peer of the `webhook` benchmark: ... webhook_server DATABASE; a commit in each request."""

from __future__ import annotations

import json
import sqlite3
import sys

from grok_sauce.runtime import concurrency
from grok_sauce.runtime.clock import RealClock

TABLE = (
    "CREATE TABLE alert(k TEXT PRIMARY KEY, ticker TEXT, action TEXT, price REAL, at REAL)"
    " WITHOUT ROWID"
)


def main(database: str) -> None:
    """Flask-SocketIO as it comes, on eventlet; SQLite with WAL and FULL, as the product's."""
    from flask import Flask, request
    from flask_socketio import SocketIO

    db = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute(TABLE)
    app, clock = Flask(__name__), RealClock()
    socketio = SocketIO(app, async_mode=concurrency.mode())

    def webhook() -> dict[str, bool]:
        alert = json.loads(request.get_data())
        row = (alert["trade_id"], alert["ticker"], alert["action"], alert["price"], clock.real())
        db.execute("INSERT OR IGNORE INTO alert VALUES (?,?,?,?,?)", row)
        return {"ok": True}

    app.add_url_rule("/webhook", view_func=webhook, methods=["POST"])
    with concurrency.listen("127.0.0.1", 0) as sock:
        port = sock.getsockname()[1]  # its run() takes a number alone
    sys.stdout.write(json.dumps({"port": port}) + "\n")
    sys.stdout.flush()
    socketio.run(app, host="127.0.0.1", port=port, log_output=False)


if __name__ == "__main__":
    concurrency.patch("eventlet")
    main(sys.argv[1])
