"""A run as a file: what ran, on what machine, and every result, kept after each of them."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from bench.report import circumstances
from proof.plan import Result


@dataclass
class Record:
    """One run. `took_s` is 0 as long as it has not ended."""

    circumstances: dict[str, Any]
    full: bool
    seed: int
    file: Path | None = None
    results: list[Result] = field(default_factory=list)
    not_run: list[str] = field(default_factory=list)
    took_s: float = 0.0

    @classmethod
    def begin(cls, *, full: bool, seed: int, file: Path | None) -> Self:
        return cls(circumstances=circumstances(), full=full, seed=seed, file=file)

    @classmethod
    def read(cls, file: Path) -> Self:
        """A run that was kept."""
        kept = json.loads(file.read_text())
        results = [Result(**result) for result in kept.pop("results")]
        return cls(**kept, results=results)

    @property
    def passed(self) -> bool:
        """Everything that ran held, something ran, and the run came to its end."""
        return bool(self.results) and self.took_s > 0 and all(r.passed for r in self.results)

    def add(self, result: Result) -> None:
        self.results.append(result)
        self._keep()

    def end(self, *, took_s: float, not_run: list[str]) -> None:
        self.took_s, self.not_run = took_s, not_run
        self._keep()

    def _keep(self) -> None:
        if self.file is None:
            return
        kept = asdict(self)
        del kept["file"]
        text = json.dumps(kept, indent=2) + "\n"
        new = self.file.with_name(f"{self.file.name}.new")
        new.write_text(text)
        new.replace(self.file)
