"""Start here: python3 main.py. Makes what it needs on first use, then runs the command."""

import sys

if sys.version_info < (3, 11):
    sys.exit(
        "Grok Sauce needs Python 3.11 or newer; this is Python %d.%d (%s).\n"
        "Install a newer one from https://www.python.org/downloads/ and start main.py with it."
        % (sys.version_info[0], sys.version_info[1], sys.executable)
    )

from grok_sauce import bootstrap

if __name__ == "__main__":
    sys.exit(bootstrap.main(sys.argv[1:]))
