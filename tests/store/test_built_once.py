"""Statements built once behave as Peewee's own, on both databases."""

from collections.abc import Iterator

import pytest
from peewee import IntegrityError

from offerhub.store import statements
from offerhub.store.database import atomic, connect_to, connection, proxy
from offerhub.store.statements import Statement, given
from offerhub.store.users import User

ROW = {
    "id": "usr_1", "external_user_id": "ana", "type": "BUYER", "status": "ACTIVE",
    "metadata": {"b": [1, None], "a": "ü"}, "airtm_verified": True, "created_at": 1,
    "updated_at": 2**40,
}  # fmt: skip
BY_STATUS = Statement(
    lambda: User.select().where(User.status == given("status")).order_by(User.id), User
)


@pytest.fixture(autouse=True)
def database(database_url: str) -> Iterator[None]:
    connect_to(database_url)
    yield
    proxy.obj.close_all()


def test_rows_are_those_that_peewee_makes() -> None:
    with atomic():
        statements.insert(User, [ROW, {**ROW, "id": "usr_2", "external_user_id": "ben"}])
        ours = BY_STATUS.rows(status="ACTIVE")
        theirs = list(User.select().order_by(User.id))
    assert [row.__data__ for row in ours] == [row.__data__ for row in theirs]
    assert ours[0].metadata == ROW["metadata"]
    assert ours[0].airtm_verified is True
    assert ours[0].version == 1  # the table's default
    assert ours[0].email is None


def test_each_execution_binds_its_own_values() -> None:
    with atomic():
        statements.insert(User, [ROW])
        assert BY_STATUS.first(status="SUSPENDED") is None
        found = BY_STATUS.first(status="ACTIVE")
    assert found is not None
    assert found.id == "usr_1"


def test_a_row_can_be_changed_and_saved() -> None:
    with atomic():
        statements.insert(User, [ROW])
        found = BY_STATUS.first(status="ACTIVE")
        assert found is not None
        found.email = "ana@example.com"
        found.save(only=["email"])
        assert User.get_by_id("usr_1").email == "ana@example.com"


def test_a_value_is_never_part_of_the_text() -> None:
    with connection():
        assert BY_STATUS.rows(status="' OR 1=1 --") == []


def test_a_column_that_the_table_lacks_is_refused() -> None:
    with pytest.raises(TypeError, match="User has not all the columns"), atomic():
        statements.insert(User, [{**ROW, "nickname": "x"}])


def test_a_constraint_is_reported_as_by_peewee() -> None:
    with pytest.raises(IntegrityError), atomic():
        statements.insert(User, [ROW, ROW])


def test_no_rows_are_no_statement() -> None:
    statements.insert(User, [])
