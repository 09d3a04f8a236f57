"""An HTTP server that gives the answers that a test has written."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.deadline import DEADLINE

Answer = Callable[[BaseHTTPRequestHandler], None]


@contextlib.contextmanager
def answering(*answers: Answer, sent: list[bytes] | None = None) -> Iterator[tuple[str, list[str]]]:
    """A server that gives these answers, and the paths that it was asked for.

    Args:
        sent: gets the bodies of what is put there.
    """
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked.append(self.path)
            answers[min(len(asked), len(answers)) - 1](self)

        def do_PUT(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            if sent is not None:
                sent.append(data)
            self.do_GET()

        def log_message(self, *_arguments: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join(DEADLINE)
        server.server_close()


def body(content: str, kind: str = "application/json", status: int = 200) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        data = content.encode()
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return answer
