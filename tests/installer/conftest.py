"""Running create-offerhub in a test, in this process, on a folder of the test's own."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from create_offerhub import cli


@dataclass(frozen=True)
class Ran:
    """What a run said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err


Install = Callable[..., Ran]


@pytest.fixture
def install(capsys: pytest.CaptureFixture[str]) -> Install:
    """`install(folder, "--yes", …) -> Ran`; standard input is not a terminal."""

    def run(*arguments: str | Path) -> Ran:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return Ran(int(ended.value.code or 0), said.out, said.err)

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A deployment folder that is not there yet, with a space in its name."""
    return tmp_path / "my market"
