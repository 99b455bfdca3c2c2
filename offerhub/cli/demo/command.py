"""The command: make the deployment, start it, tell the story, compare, stay or stop."""

import json
import signal
import threading
import time
from pathlib import Path
from typing import Any

import click

from offerhub.cli.demo.deployment import Deployment
from offerhub.cli.demo.telling import Teller
from offerhub.cli.exits import Exit, Failure


@click.command()
@click.option(
    "--dir", "directory", type=click.Path(path_type=Path, file_okay=False), default=None,
    help="Where the deployment is made; an existing demo there is used again."
    " Default: this deployment, else ./demo-market.",
)  # fmt: skip
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the API (new deployments).")
@click.option("--once", is_flag=True, help="Stop afterwards; exit code 0 only if all matched.")
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path, dir_okay=False),
    help="Write the facts to this file.",
)  # fmt: skip
def demo(directory: Path | None, port: int | None, *, once: bool, json_file: Path | None) -> None:
    """Run whole orders, end to end, and compare the books with the providers' own.

    Money comes in by a signed webhook and by a deposit on chain, goes through an escrow contract
    to a seller, and out again. Everything is on this machine; no real money is involved.
    """
    from offerhub.cli.demo.comparison import compare
    from offerhub.cli.demo.story import Story

    began = time.monotonic()
    tell = Teller()
    deployment = Deployment.at(directory)
    facts: dict[str, Any] = {}
    try:
        deployment.make(tell, port=port)
        deployment.start(tell)
        story = Story(deployment.client(), deployment.sandbox(), tell)
        facts = {**deployment.facts(), **story.run()}
        result = compare(deployment, tell)
        facts |= {"comparison": result, "seconds": round(time.monotonic() - began, 1)}
        if json_file is not None:
            json_file.write_text(json.dumps(facts, indent=2) + "\n")
        matched = bool(result["matched"])
        tell.verdict(matched=matched, seconds=facts["seconds"])
        if not once:
            tell.where_next(deployment.facts(), deployment.home)
            _stay()
    finally:
        if deployment.started:
            tell.step("Stopping")
            deployment.stop()
    if not matched:
        raise Failure("the books and the providers differ; see above.", code=Exit.FAILED)


def _stay() -> None:
    """Until Ctrl-C or a polite kill."""
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    stopping.wait()
