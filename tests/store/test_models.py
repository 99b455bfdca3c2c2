"""The models and the schema say the same: tables, columns, nullability, keys; on both engines."""

import importlib
import pkgutil
from typing import Any

import pytest
from peewee import BigAutoField, CompositeKey

import offerhub.store
from offerhub.store.database import is_postgres, proxy
from offerhub.store.fields import Millis, Stroops, Table

for _module in pkgutil.iter_modules(offerhub.store.__path__):
    importlib.import_module(f"offerhub.store.{_module.name}")

MODELS: list[type[Table]] = sorted(Table.__subclasses__(), key=lambda m: m._meta.table_name)
OURS_NOT = {"migration_history", "sqlite_sequence"}


def _columns(table: str) -> dict[str, Any]:
    with proxy.connection_context():
        return {column.name: column for column in proxy.get_columns(table)}


def _unique(table: str) -> set[tuple[str, ...]]:
    with proxy.connection_context():
        return {tuple(i.columns) for i in proxy.get_indexes(table) if i.unique}


def test_every_table_has_its_model(database: str) -> None:
    with proxy.connection_context():
        tables = set(proxy.get_tables())
    bookkeeping = {name for name in tables if "migrat" in name} | OURS_NOT
    assert tables - bookkeeping == {model._meta.table_name for model in MODELS}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.table_name)
def test_a_model_has_the_columns_of_its_table(database: str, model: type[Table]) -> None:
    columns = _columns(model._meta.table_name)
    fields = {field.column_name: field for field in model._meta.sorted_fields}
    assert set(fields) == set(columns)
    key = model._meta.primary_key
    keys = set(key.field_names) if isinstance(key, CompositeKey) else {key.column_name}
    for name, field in fields.items():
        if name not in keys:
            assert field.null == columns[name].null, f"{name}: null"
        if isinstance(field, Stroops | Millis | BigAutoField):
            wide = "bigint" if is_postgres() else ("bigint", "integer")
            assert columns[name].data_type.lower() in wide, f"{name} holds less than 64 bits"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.table_name)
def test_what_a_model_calls_unique_is_unique(database: str, model: type[Table]) -> None:
    unique = _unique(model._meta.table_name)
    for field in model._meta.sorted_fields:
        if field.unique and not field.primary_key:
            assert (field.column_name,) in unique, field.name
