"""Copying the whole database while it is in use, and putting a copy in the place of an empty one.

SQLite: its own online backup, one consistent moment, into one file. Postgres: `pg_dump` and
`pg_restore` of the PostgreSQL client tools. A copy carries the time at which it was begun, written
down in the database beforehand, because a restored deployment must know what it has forgotten.
Not here: what a restored deployment does about that (`services.restored`).
Source: SQLite manual, "Online Backup API"; PostgreSQL manual, "pg_dump", "pg_restore".
"""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from offerhub.store import leases as flags
from offerhub.store.database import atomic, is_postgres, open_database, proxy

BACKUP: Final = "backup_begun"
TOOLS_TIMEOUT_S: Final = 24 * 3600


class BackupFailed(Exception):
    """A copy could not be made, or is not whole. The message says what to do."""


class NotEmpty(Exception):
    """The database that a copy was to be put into has tables, or its file is there."""


def copy_to(file: Path, *, url: str, now: int) -> None:
    """Copy the database of this process to a new file, for its owner alone. Commits a flag first.

    Writers go on meanwhile. Only a whole copy gets the name. Raises: BackupFailed, FileExistsError.
    """
    if file.exists():
        raise FileExistsError(str(file))
    with atomic():
        flags.set_flag(BACKUP, {"taken_at_ms": now}, now=now)
    part = file.with_name(f"{file.name}.part")
    try:
        _make_new(part)
        if is_postgres():
            _run("pg_dump", "--format=custom", f"--file={part}", url=url)
            _run("pg_restore", "--list", str(part))
        else:
            _copy_sqlite(Path(proxy.obj.database), part)
            require_whole(part)
        _flush(part)
        os.link(part, file)  # refuses a name that somebody took meanwhile
    finally:
        part.unlink(missing_ok=True)
    _flush(file.parent)


def require_whole(file: Path) -> None:
    """Have SQLite read all of a copy and compare its indexes. Raises: BackupFailed."""
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as opened:
            problems = [row[0] for row in opened.execute("PRAGMA integrity_check")]
            broken = opened.execute("PRAGMA foreign_key_check").fetchall()
    except sqlite3.DatabaseError as error:
        raise BackupFailed(f"{file} is not a whole SQLite database: {error}") from error
    if problems != ["ok"] or broken:
        raise BackupFailed(f"{file} is damaged: {(problems + broken)[:3]}")


def put_back(file: Path, *, url: str) -> None:
    """Make a copy the database at `url`, which must be empty. All of it arrives, or nothing.

    Raises: NotEmpty, BackupFailed.
    """
    if urlsplit(url).scheme == "sqlite":
        _put_back_sqlite(file, sqlite_path(url))
        return
    if _postgres_tables(url):
        raise NotEmpty("the Postgres database has tables; make a new, empty one")
    _run(
        "pg_restore", "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges",
        str(file), url=url,
    )  # fmt: skip


def taken_at() -> int | None:
    """When the copy that this database was restored from was begun, in epoch ms."""
    found = flags.flag(BACKUP)
    return int(found["taken_at_ms"]) if isinstance(found, dict) else None


def sqlite_path(url: str) -> Path:
    """The file that a `sqlite:///…` URL names."""
    path = unquote(urlsplit(url).path)
    return Path(path[1:] if path.startswith("//") else path.removeprefix("/"))


def _copy_sqlite(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(target)) as written:
        read.backup(written, pages=-1)  # in one go: one moment, and it never has to start anew
        written.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it


def _put_back_sqlite(file: Path, target: Path) -> None:
    if any(target.with_name(target.name + end).exists() for end in ("", "-wal", "-shm")):
        raise NotEmpty(f"{target} is there; move it away, with its -wal and -shm, and keep it")
    require_whole(file)
    part = target.with_name(f"{target.name}.part")
    try:
        _make_new(part)
        shutil.copyfile(file, part)
        _flush(part)
        part.rename(target)
    finally:
        part.unlink(missing_ok=True)
    _flush(target.parent)


def _make_new(part: Path) -> None:
    """An empty file for its owner alone: none that somebody laid there, open or a link."""
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))


def _postgres_tables(url: str) -> int:
    database: Any = open_database(url, max_connections=1)
    try:
        with database.connection_context():
            return len(database.get_tables())
    finally:
        database.close_all()


def _run(program: str, *arguments: str, url: str | None = None) -> None:
    """A client tool of Postgres; the password goes through the environment, never the command."""
    environ = dict(os.environ)
    command = [program, *arguments]
    if url is not None:
        address, password = _without_password(url)
        if password:
            environ["PGPASSWORD"] = password
        command.append(f"--dbname={address}")
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments, no shell
            command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=TOOLS_TIMEOUT_S, check=False,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise BackupFailed(
            f"{program} is not there; install the PostgreSQL client tools"
        ) from error
    if done.returncode != 0:
        raise BackupFailed(f"{program} failed: {done.stderr.strip()[-1500:]}")


def _without_password(url: str) -> tuple[str, str]:
    parts = urlsplit(url.replace("postgres://", "postgresql://", 1))
    query = dict(parse_qsl(parts.query))
    password = query.pop("password", None) or unquote(parts.password or "")
    login, _, place = parts.netloc.rpartition("@")
    netloc = f"{login.partition(':')[0]}@{place}" if login else place
    return urlunsplit(parts._replace(netloc=netloc, query=urlencode(query))), password


def _flush(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
