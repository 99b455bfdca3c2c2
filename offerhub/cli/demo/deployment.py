"""The deployment that the demo makes and starts, through the same commands as an operator."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from offerhub.cli.demo.sandbox import SandboxControl
from offerhub.cli.demo.telling import Teller
from offerhub.cli.exits import Failure

if TYPE_CHECKING:
    from offerhub.sdk import OfferHub

DEFAULT_DIRECTORY = "demo-market"
COMMAND_TIMEOUT_S = 300
REQUEST_TIMEOUT_S = 30.0


@dataclass
class Deployment:
    """A demo deployment in `home`. `started` says whether this run started it."""

    home: Path
    started: bool = False
    outcome: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def at(cls, directory: Path | None) -> "Deployment":
        """The named folder, else the deployment this command belongs to, else ./demo-market."""
        given = os.environ.get("OFFERHUB_HOME")
        chosen = directory or (Path(given) if given else Path(DEFAULT_DIRECTORY))
        return cls(chosen.resolve())

    def make(self, tell: Teller, *, port: int | None) -> None:
        """Have create-offerhub make or complete it. Raises: Failure with what it said."""
        tell.step(f"Making a deployment in {self.home}")
        command = [sys.executable, "-m", "create_offerhub", str(self.home)]
        command += ["--profile", "demo", "--yes"]
        command += ["--port", str(port)] if port is not None else []
        self._run(command, what="create-offerhub")

    def start(self, tell: Teller) -> None:
        """Start it, unless it runs. Raises: Failure with what it said."""
        tell.step("Starting it: API, workers, relay, deposit reader, Valkey, simulated providers")
        self.outcome = json.loads(self._offerhub("up", "--json"))
        self.started = not self.outcome["already_running"]
        tell.say(f"up after {self.outcome['seconds']} s at {self.outcome['url']}")

    def stop(self) -> None:
        """Stop what `start` started."""
        self._offerhub("down")
        self.started = False

    def client(self) -> "OfferHub":
        """The SDK with the deployment's admin key."""
        from offerhub.sdk import OfferHub

        key = Path(self.outcome["admin_key_file"]).read_text().strip()
        return OfferHub(self.outcome["url"], key, timeout_s=REQUEST_TIMEOUT_S, max_retries=6)

    def sandbox(self) -> SandboxControl:
        return SandboxControl(self.outcome["sandbox_url"])

    def balance_sheet(self) -> dict[str, Any]:
        """Our own books, straight from the database."""
        return dict(json.loads(self._offerhub("ledger", "sheet", "--json")))

    def broken_invariants(self) -> list[dict[str, Any]]:
        """Findings of the ledger's own check."""
        found = json.loads(self._offerhub("ledger", "check", "--json", allowed=(0, 1)))
        return list(found["findings"])

    def facts(self) -> dict[str, Any]:
        return {
            "base_url": self.outcome["url"],
            "docs_url": self.outcome["docs_url"],
            "sandbox_url": self.outcome["sandbox_url"],
            "key_file": self.outcome["admin_key_file"],
            "directory": str(self.home),
        }

    def _offerhub(self, *arguments: str, allowed: tuple[int, ...] = (0,)) -> str:
        command = [str(self.home / "bin" / "offerhub"), *arguments]
        return self._run(command, what=f"offerhub {arguments[0]}", allowed=allowed)

    def _run(self, command: list[str], *, what: str, allowed: tuple[int, ...] = (0,)) -> str:
        done = subprocess.run(  # noqa: S603 - our own programs, no shell
            command, capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S, check=False
        )
        silent = done.returncode != 0 and not done.stdout.strip()  # an error, not an answer
        if done.returncode not in allowed or silent:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-15:]
            raise Failure(f"{what} ended with {done.returncode}:\n  " + "\n  ".join(said))
        return done.stdout
