"""The marketplace's end of webhooks: a real HTTP server that checks each signature."""

import json
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from offerhub.ports.webhooks import SignatureInvalid
from offerhub.providers.signed_webhooks import SignedWebhooks

WORST_S = 5.0


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Senders die in the middle of a request: that is what the rig is for."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class Sink:
    """Remembers how often each event came, and why one was not believed.

    cut_off: bodies shorter than was declared, of senders who were killed while they sent.
    """

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.forged: list[str] = []
        self.cut_off = 0
        self._lock = threading.Lock()
        self._signatures = SignedWebhooks(None)
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = WORST_S

            def do_POST(self) -> None:
                declared = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(declared)
                if len(body) < declared:
                    sink.cut_off += 1
                    self.close_connection = True
                    return
                status = 503  # nobody has said yet which signatures count
                if sink.trusts:
                    status = 204 if sink.receive(dict(self.headers), body) else 401
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Silent."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/webhooks"

    @property
    def trusts(self) -> bool:
        """Whether it is known which signatures count."""
        return self._signatures.configured

    def trust(self, secret: str) -> None:
        """From now on these signatures count."""
        self._signatures = SignedWebhooks(secret)

    def receive(self, headers: dict[str, str], body: bytes) -> bool:
        """Whether it was signed; then its event is remembered."""
        try:
            self._signatures.event_id(headers, body, now_s=int(time.time()))
        except SignatureInvalid as error:
            with self._lock:
                self.forged.append(f"{error} ({len(body)} bytes)")
            return False
        event_id = str(json.loads(body).get("event_id"))
        with self._lock:
            self.seen[event_id] += 1
        return True

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
