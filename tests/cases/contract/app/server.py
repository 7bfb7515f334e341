"""The contract suite's app: says which code it is, and whether its neighbour answers."""

import os
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CODE = "one"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        neighbour = os.environ.get("NEIGHBOUR")
        if self.path == "/chain" and neighbour:
            with urllib.request.urlopen(neighbour, timeout=5) as answer:
                body = f"{CODE}+{answer.read().decode()}"
        else:
            body = CODE
        data = body.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments: object) -> None:
        print("asked", self.path, flush=True)


ThreadingHTTPServer(("0.0.0.0", 8000), Handler).serve_forever()
