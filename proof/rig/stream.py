"""A reader of the event stream that resumes by Last-Event-ID, and keeps all that it was sent."""

import json
import threading
import time

import httpx

from offerhub.sdk.sse import Message, read_parts

SILENCE_S = 10.0


class Reader:
    """Follows the stream by itself, so that what the server sends twice is seen twice.

    `seen`: (sequence, event id) in the order of arrival. `resets`: how often the server said that
    a position is unknown.
    """

    def __init__(self, url: str, key: str, *, after: int) -> None:
        self._url, self._key = url, key
        self.last_id = str(after)
        self.seen: list[tuple[int, str]] = []
        self.connections = 0
        self.resets = 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> "Reader":
        self.thread.start()
        return self

    def _run(self) -> None:
        while not self.stopping.is_set():
            try:
                self._connection()
            except httpx.HTTPError:
                time.sleep(0.1)

    def _connection(self) -> None:
        headers = {
            "Authorization": f"Bearer {self._key}",
            "Accept": "text/event-stream",
            "Last-Event-ID": self.last_id,
        }
        url, timeout = f"{self._url}/api/v1/events", httpx.Timeout(SILENCE_S)
        with httpx.stream("GET", url, headers=headers, timeout=timeout, trust_env=False) as answer:
            if answer.status_code != 200:
                time.sleep(0.5)
                return
            self.connections += 1
            for part in read_parts(answer.iter_bytes()):
                if self.stopping.is_set():
                    return
                if isinstance(part, Message):
                    self._take(part)

    def _take(self, message: Message) -> None:
        if message.event == "reset":
            self.resets += 1
            return
        body = json.loads(message.data)
        if "sequence" in body:
            self.seen.append((body["sequence"], body["event_id"]))
            self.last_id = str(body["sequence"])
