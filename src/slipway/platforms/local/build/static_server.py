"""Serves a folder of plain files: what an nginx image with a built site does, and no more.

Run as a program of its own by the local platform. A path without a file gets index.html where
the site has one and the path names no file type, as sites with client-side routes expect.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import os
import signal
import sys
from pathlib import Path


class _Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def send_head(self):  # type: ignore[no-untyped-def]
        path = Path(self.translate_path(self.path))
        index = Path(self.directory) / "index.html"
        if not path.exists() and not path.suffix and index.exists():
            self.path = "/index.html"
        return super().send_head()


def main(arguments: list[str]) -> None:
    """`--directory DIR --port N [--bind ADDRESS]`; ends at SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--directory", required=True)
    parser.add_argument("--port", type=int, default=80)
    parser.add_argument("--bind", default=os.environ.get("HOST", "0.0.0.0"))
    options = parser.parse_args(arguments)
    handler = functools.partial(_Handler, directory=options.directory)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with http.server.ThreadingHTTPServer((options.bind, options.port), handler) as server:
        server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
