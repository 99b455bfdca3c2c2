"""A process that rewraps wallet keys and is killed, again and again, at a place of its choice.

Started by its test: `python rotation_process.py` with the environment as JSON on stdin. Each round
is a forked child that really dies by SIGKILL, in the middle of a transaction or between two.
"""

import json
import os
import random
import signal
import sys
from dataclasses import replace

from offerhub import settings
from offerhub.bootstrap import build_app
from offerhub.services import wallet_keys
from offerhub.services.context import system_context

ROUNDS = 20
BATCH = 7


def main() -> None:
    environ = json.load(sys.stdin)
    rng = random.Random(7)
    places = [rng.choice(("row", "before_commit", "after_commit")) for _ in range(ROUNDS)]
    turns = [rng.randint(1, 3) if place != "row" else rng.randint(1, 2 * BATCH) for place in places]
    died = 0
    for place, turn in zip(places, turns, strict=True):
        child = os.fork()
        if child == 0:
            rotate_and_die(environ, f"wallet_keys/{place}", turn)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        died += os.WIFSIGNALED(status)
    print(died)


def rotate_and_die(environ: dict[str, str], place: str, turn: int) -> None:
    left = turn

    def probe(point: str) -> None:
        nonlocal left
        if point == place:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    app = replace(build_app(settings.load(environ)), probe=probe)
    wallet_keys.rotate(system_context(app, name="rotation"), batch=BATCH)


if __name__ == "__main__":
    main()
