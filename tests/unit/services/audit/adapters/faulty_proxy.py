"""A proxy before an S3 server: it answers some requests otherwise than the server did, or would."""

import random
import threading
from collections.abc import Callable, Sequence
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import urlsplit

_CODES = {"503": "SlowDown", "409": "ConditionalRequestConflict"}
_BODY = "<?xml version='1.0'?><Error><Code>{}</Code><Message>injected</Message></Error>"


class FaultyProxy:
    """Forwards to `endpoint` from `url`; a fault is `503 before`, `cut after`, `short read`, …"""

    def __init__(self, endpoint: str) -> None:
        self.target = urlsplit(endpoint)
        self._count = 0
        self._lock = threading.Lock()
        self._choose: Callable[[int], str | None] = lambda _: None
        handler = type("Handler", (_Handler,), {"proxy": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def every(self, nth: int, fault: str | None) -> None:
        """Let every nth request meet this fault."""
        self._choose = lambda count: fault if count % nth == 0 else None

    def at_random(self, share: float, faults: Sequence[str], seed: int) -> None:
        """Let this share of the requests meet one of the faults."""
        chance = random.Random(seed)
        self._choose = lambda _: chance.choice(faults) if chance.random() < share else None

    def next_fault(self) -> str:
        """Return what the next request meets, nothing in most cases."""
        with self._lock:
            self._count += 1
            return self._choose(self._count) or ""

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: FaultyProxy

    def forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        what, _, when = self.proxy.next_fault().partition(" ")
        if what == "409" and self.command != "PUT":  # only what is conditional meets it
            what = when = ""
        if when == "before":
            self.answer(what)
            return
        status, headers, data = self.fetched(body)
        if when == "after":
            self.answer(what)
            return
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in {"transfer-encoding", "connection"}:
                self.send_header(name, value)
        self.end_headers()
        if what == "short" and self.command == "GET":
            data, self.close_connection = data[: len(data) // 2], True
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = forward  # noqa: N815 - http.server's names

    def fetched(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        target = self.proxy.target
        connection = HTTPConnection(str(target.hostname), target.port, timeout=30)
        headers = {k: v for k, v in self.headers.items() if k.lower() != "expect"}
        connection.request(self.command, self.path, body, headers)
        response = connection.getresponse()
        data = response.read()
        connection.close()
        return response.status, response.getheaders(), data

    def answer(self, what: str) -> None:
        self.close_connection = True
        if what == "cut":
            return
        data = _BODY.format(_CODES[what]).encode()
        self.send_response(int(what))
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
