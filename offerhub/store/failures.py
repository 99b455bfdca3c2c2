"""What a database failure means for the one who asked: lost a race, try again, or come back later.

Not here: what is done about it; callers above `store` see these questions and no driver's classes.
"""

import sqlite3
from typing import Final

from peewee import IntegrityError, InterfaceError, OperationalError
from playhouse.pool import MaxConnectionsExceeded

# Source: PostgreSQL manual, appendix A: serialization_failure, deadlock_detected,
# lock_not_available (a lock_timeout, which migrations set).
_PASSING_STATES: Final = frozenset({"40001", "40P01", "55P03"})
# idle_in_transaction_session_timeout: this process slept inside a transaction, and was cut off.
_ENDED_STATE: Final = "25P03"
_BUSY_CODES: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


def is_conflict(error: BaseException) -> bool:
    """A unique, foreign-key or check constraint refused the change."""
    return isinstance(error, IntegrityError) or _state(error).startswith("23")


def is_passing(error: BaseException) -> bool:
    """The transaction lost against another one; run again from its start it may succeed."""
    if _state(error) in _PASSING_STATES:
        return True
    code = getattr(_driver_error(error), "sqlite_errorcode", None)
    return isinstance(code, int) and code & 0xFF in _BUSY_CODES


def is_unavailable(error: BaseException) -> bool:
    """The database cannot be reached, has ended the session, or has no connection to spare."""
    if _state(error) == _ENDED_STATE:
        return True
    code = getattr(_driver_error(error), "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_ERROR:
        return False  # SQL that cannot be run, such as a sum that overflows: no outage, a fault
    return isinstance(error, OperationalError | InterfaceError | MaxConnectionsExceeded)


def _driver_error(error: BaseException) -> BaseException:
    """What psycopg or sqlite3 raised; Peewee's own error carries it as `orig`."""
    original = getattr(error, "orig", None)
    return original if isinstance(original, BaseException) else error


def _state(error: BaseException) -> str:
    return str(getattr(_driver_error(error), "sqlstate", None) or "")
