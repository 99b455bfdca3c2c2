"""The steps that write, in order; each may be repeated, and the folder is ours after the first.

1 the folder, 2 the record of answers, 3 the secrets, 4 the template's files, 5 private folders.
A run that was killed anywhere is completed by running the same command again.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from create_offerhub import credentials, paths
from create_offerhub.answers import Answers
from create_offerhub.exits import HalfDone
from create_offerhub.render import Fate, Rendered


@dataclass(slots=True)
class Done:
    """What a run did, by file name."""

    new: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)


def apply(directory: Path, answers: Answers, files: Sequence[Rendered], *, overwrite: bool) -> Done:
    """Write what is missing. A file that was changed by hand is kept unless `overwrite`.

    Raises: HalfDone when the system refuses a write.
    """
    done = Done()
    try:
        if not directory.exists():
            directory.mkdir(parents=True, mode=0o700)
        _sweep(directory)
        _record(directory, files[0], done, overwrite=overwrite)
        _secrets(directory, answers.profile, done)
        for file in files[1:]:
            _record(directory, file, done, overwrite=overwrite)
        for name in paths.PRIVATE_FOLDERS:
            (directory / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise HalfDone(
            f"{error.filename or directory} could not be written: {error.strerror or error};"
            " correct that and run the same command again"
        ) from error
    return done


def _record(directory: Path, file: Rendered, done: Done, *, overwrite: bool) -> None:
    if file.fate in {Fate.SAME, Fate.YOURS}:
        done.same.append(file.name)
    elif file.fate is Fate.CHANGED and not overwrite:
        done.kept.append(file.name)
    else:
        _write(directory / file.name, file.content, mode=paths.mode_of(file.name))
        (done.new if file.fate is Fate.NEW else done.replaced).append(file.name)


def _secrets(directory: Path, profile: str, done: Done) -> None:
    for name in credentials.secret_files(profile):
        if (directory / name).exists():
            done.same.append(name)
            continue
        if name == paths.SECRETS:
            text = credentials.as_env(credentials.make(profile))
        else:
            text = credentials.as_compose_env(credentials.make_for_compose())
        written = credentials.keep_or_write(directory, name, text)
        (done.new if written else done.same).append(name)


def _write(target: Path, content: bytes, *, mode: int) -> None:
    """Put a file in place whole; a reader sees the old or the new one."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    draft = target.with_name(paths.UNFINISHED)
    with suppress(FileNotFoundError):
        draft.unlink()
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.chmod(mode)
    draft.replace(target)


def _sweep(directory: Path) -> None:
    """Remove drafts that a killed run left behind."""
    for draft in directory.glob(f"{paths.UNFINISHED}*"):
        draft.unlink(missing_ok=True)
