"""A server with the webhook layer in front, run in a process of its own: MODE on the command line.

Prints its port, then answers until its standard input ends. What it logs goes to stderr.
"""

import hashlib
import logging
import sys

from grok_sauce.runtime import concurrency

concurrency.patch(sys.argv[1])

from functools import partial  # noqa: E402

from grok_sauce.alerts.intake import Answer, Post  # noqa: E402
from grok_sauce.web.visitors import networks  # noqa: E402
from grok_sauce.web.webhook import sender_of, webhook_layer  # noqa: E402

logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)


def intake(post: Post) -> Answer:
    if post.method != "POST":
        return Answer(405, {"status": "error", "message": "Only POST"}, (("Allow", "POST"),))
    return Answer(
        200,
        {
            "size": len(post.body),
            "sha": hashlib.sha256(post.body).hexdigest(),
            "token": post.token,
            "address": post.address,
            "forwarded": post.forwarded,
            "loopback": post.loopback,
        },
    )


def app(environ, start):
    start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "4")])
    return [b"page"]


sock = concurrency.listen("127.0.0.1", 0)
layer = webhook_layer(app, intake, partial(sender_of, proxies=networks([])), read_s=0.4)
direct = None if sys.argv[2:] == ["wsgi"] else layer
server = concurrency.Server(sock, layer, socket_timeout=5.0, direct=direct)
concurrency.spawn(server.serve)
print(sock.getsockname()[1], flush=True)
concurrency.offload(sys.stdin.read)
