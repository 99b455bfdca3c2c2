"""What a mutant is: a change of the code in words and in text, and the tests that must notice."""

from dataclasses import dataclass
from pathlib import Path


class Outdated(Exception):
    """What a mutant changes is not in the code exactly once: the mutant has to be mended."""


@dataclass(frozen=True)
class Change:
    """Replace `old`, which is in `file` exactly once, by `new`."""

    file: str
    old: str
    new: str

    def applied_to(self, text: str) -> str:
        """Raises: Outdated."""
        found = text.count(self.old)
        if found != 1:
            raise Outdated(f"{self.file} holds {found} times, not once: {self.old!r}")
        return text.replace(self.old, self.new)


@dataclass(frozen=True)
class Mutant:
    """One defect. Mutants of one case have the same `case` and different `shape`s.

    shape: the defect in one sentence. tests: ids of those that must fail on it, the quickest first;
    each passes without it.
    """

    case: str
    shape: str
    changes: tuple[Change, ...]
    tests: tuple[str, ...]

    def mutated(self, root: Path) -> dict[str, str]:
        """The new text of each changed file, by its path. Raises: Outdated, SyntaxError."""
        texts: dict[str, str] = {}
        for change in self.changes:
            text = texts.get(change.file) or (root / change.file).read_text()
            texts[change.file] = change.applied_to(text)
        for file, text in texts.items():
            compile(text, file, "exec")
        return texts


def file_of(test: str) -> str:
    """The file that a test's id names."""
    return test.partition("::")[0]


def function_of(test: str) -> str:
    """The function that a test's id names, without class and parameters."""
    return test.partition("[")[0].rpartition("::")[2]
