"""A run as a file: what ran, on what machine, and every result, kept after each of them.

A run may be composed of parts: `resume` goes on where an earlier part ended or was cut off. Each
result then says by itself which commit it is of, and when it was known.
"""

import json
import time
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from bench.report import circumstances
from proof.plan import Result

CHANGED = "+"  # after a commit: the code had changes that were not committed
_NOT_KEPT = ("file", "part", "_began")


class CannotResume(ValueError):
    """The file holds a run that this one cannot be a part of."""


@dataclass
class Record:
    """One run, of one or more parts.

    circumstances: of the first part; later_parts: of the others, if they had a result. took_s: of
    all parts together. ended: whether the last one came to its end. timed: False when an earlier
    part was cut off by a program that kept no time until its end.
    """

    circumstances: dict[str, Any]
    full: bool
    seed: int
    file: Path | None = None
    results: list[Result] = field(default_factory=list)
    not_run: list[str] = field(default_factory=list)
    took_s: float = 0.0
    ended: bool = False
    timed: bool = True
    later_parts: list[dict[str, Any]] = field(default_factory=list)
    part: dict[str, Any] | None = None
    _began: tuple[float, float] = field(default_factory=lambda: (time.monotonic(), 0.0))

    @classmethod
    def begin(cls, *, full: bool, seed: int, file: Path | None) -> Self:
        about = circumstances()
        return cls(circumstances=about, full=full, seed=seed, file=file, part=about)

    @classmethod
    def resume(cls, file: Path, *, full: bool, seed: int | None) -> Self:
        """Another part of a run that was kept, writing into the same file.

        seed: None takes that of the file. Raises: CannotResume if the file holds a quick run and
        this is a full one or the other way round, and if its seed is another.
        """
        kept = cls.read(file)
        if kept.full != full:
            held, asked = ("full", "quick") if kept.full else ("quick", "full")
            raise CannotResume(
                f"{file} holds a {held} run, and a {asked} one cannot be a part of it:"
                f" give --{held} too, or another file"
            )
        if seed not in {None, kept.seed}:
            raise CannotResume(
                f"{file} holds a run with seed {kept.seed}, not {seed}: leave --seed out, or give"
                " another file"
            )
        began = (time.monotonic(), kept.took_s)
        return replace(kept, file=file, ended=False, part=circumstances(), _began=began)

    @classmethod
    def read(cls, file: Path) -> Self:
        """A run that was kept. Older files say commit and time once, for all of their results."""
        kept = json.loads(file.read_text())
        about = kept["circumstances"]
        older = {"commit": commit_of(about), "at": about["at"]}
        results = [_with_way(Result(**{**older, **result})) for result in kept.pop("results")]
        if "ended" not in kept:
            kept["ended"] = kept["timed"] = kept["took_s"] > 0
        return cls(**kept, results=results)

    @property
    def passed(self) -> bool:
        """Everything that ran held, something ran, and the run came to its end."""
        return bool(self.results) and self.ended and all(r.passed for r in self.results)

    @property
    def parts(self) -> list[dict[str, Any]]:
        """The circumstances of every part, in their order."""
        return [self.circumstances, *self.later_parts]

    @property
    def commits(self) -> list[str]:
        """Every commit that a result is of, each once, in the order of the results' times."""
        in_order = sorted(self.results, key=lambda result: result.at)
        return list(dict.fromkeys(result.commit for result in in_order if result.commit))

    def add(self, result: Result) -> None:
        """Keep a result, in place of an older one of the same case, way and database."""
        part = self.part or self.circumstances
        if part is not self.parts[-1]:
            self.later_parts.append(part)
        at = datetime.now(UTC).isoformat(timespec="seconds")
        result = replace(result, commit=commit_of(part), at=at)
        places = [kept.place for kept in self.results]
        if result.place in places:
            self.results[places.index(result.place)] = result
        else:
            self.results.append(result)
        self._keep()

    def end(self, *, not_run: list[str]) -> None:
        self.not_run, self.ended = not_run, True
        self._keep()

    def _keep(self) -> None:
        began, before_s = self._began
        self.took_s = before_s + time.monotonic() - began
        if self.file is None:
            return
        kept = {name: value for name, value in asdict(self).items() if name not in _NOT_KEPT}
        text = json.dumps(kept, indent=2) + "\n"
        new = self.file.with_name(f"{self.file.name}.new")
        new.write_text(text)
        new.replace(self.file)


def commit_of(part: dict[str, Any]) -> str:
    """The commit, marked if the code was not quite that."""
    return f"{part['commit']}{CHANGED if part['uncommitted_changes'] else ''}"


def _with_way(result: Result) -> Result:
    """Older results do not say how they were run; only tests are counted as `tests`."""
    if result.way:
        return result
    if result.case[:1] in {"P", "M"}:
        return replace(result, way="mutant")
    return replace(result, way="suite" if "tests" in result.figures else "rig")
