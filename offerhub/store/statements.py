"""Statements whose text is built once, for what every money request runs.

Peewee writes a query's text anew for each execution, which costs a process more than running it.
Here the text is kept per database, and an execution only binds values. Rows are the same objects
that Peewee makes.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, Generic, TypeVar

from peewee import AutoField, BigAutoField, BlobField, BooleanField, Database, Field, Query, Value

from offerhub.store.database import proxy
from offerhub.store.fields import JSONText, Table

Row = TypeVar("Row", bound=Table)

# The drivers return all other values as they are to be.
_CONVERTED = (JSONText, BooleanField, BlobField)


class _Given:
    """Stands in a statement's values where an execution's own value goes."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


def given(name: str) -> Any:
    """The value that each execution gives under `name`, bound as it is given."""
    return Value(_Given(name), converter=lambda value: value)


class Statement(Generic[Row]):
    """A query that is built once. `build` is called once per kind of database."""

    def __init__(self, build: Callable[[], Query], rows_of: type[Row]) -> None:
        self._build = build
        self._rows_of = rows_of
        self._texts: dict[type[Database], tuple[str, list[Any]]] = {}

    def values(self, **values: Any) -> list[tuple[Any, ...]]:
        """The rows as the driver returns them."""
        kind = type(proxy.obj)
        if kind not in self._texts:
            text, params = self._build().bind(proxy.obj).sql()
            self._texts[kind] = text, list(params)
        text, params = self._texts[kind]
        bound = [values[p.name] if isinstance(p, _Given) else p for p in params]
        return list(proxy.obj.execute_sql(text, bound).fetchall())

    def rows(self, **values: Any) -> list[Row]:
        return [row_of(self._rows_of, found) for found in self.values(**values)]

    def first(self, **values: Any) -> Row | None:
        """The only row, or None."""
        found = self.values(**values)
        return row_of(self._rows_of, found[0]) if found else None


def row_of(table: type[Row], values: Sequence[Any]) -> Row:
    """A row of `table` from the values of all its columns, in their order."""
    made = table(__no_default__=1)
    columns = _columns(table)  # type: ignore[arg-type]
    for (name, convert), value in zip(columns, values, strict=True):
        made.__data__[name] = value if convert is None else convert(value)
    return made


def insert(table: type[Table], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows in one statement; columns that a row does not name get the table's default.

    Raises: IntegrityError; TypeError for a column that the table does not have.
    """
    if not rows:
        return
    fields = _inserted(table)
    params: list[Any] = []
    for values in rows:
        known = 0
        for field in fields:
            if field.name in values:
                known += 1
                value = values[field.name]
            else:
                value = field.default
            params.append(None if value is None else field.db_value(value))
        if known != len(values):
            raise TypeError(f"{table.__name__} has not all the columns of {sorted(values)}")
    text = _insert_text(type(proxy.obj), table, len(rows))  # type: ignore[arg-type]
    proxy.obj.execute_sql(text, params)


@cache
def _columns(table: type[Table]) -> tuple[tuple[str, Callable[[Any], Any] | None], ...]:
    return tuple(
        (field.name, field.python_value if isinstance(field, _CONVERTED) else None)
        for field in table._meta.sorted_fields
    )


@cache
def _inserted(table: type[Table]) -> tuple[Field, ...]:
    return tuple(
        f for f in table._meta.sorted_fields if not isinstance(f, AutoField | BigAutoField)
    )


@lru_cache(maxsize=256)
def _insert_text(database: type[Database], table: type[Table], count: int) -> str:
    fields = _inserted(table)
    names = ", ".join(f'"{field.column_name}"' for field in fields)
    one = "(" + ", ".join([database.param] * len(fields)) + ")"
    rows = ", ".join([one] * count)
    return f'INSERT INTO "{table._meta.table_name}" ({names}) VALUES {rows}'  # noqa: S608 - names of ours
