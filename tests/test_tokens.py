"""Access tokens as they are kept: hashed, in one of three states, found by a prefix."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from pipeline.errors import StorageError
from storage import tokens
from storage.database import Database
from storage.schema import tokens as table
from tests.samples import HOUR, NOW


def issued(database: Database, name: str = "anna", life: timedelta | None = None) -> tuple[tokens.Token, str]:
    with database.write() as connection:
        return tokens.issue(connection, name, "read", NOW, life=life)


def test_a_token_opens_and_no_other_does(database: Database) -> None:
    token, presented = issued(database)
    other = presented[:-1] + ("A" if presented[-1] != "A" else "B")
    with database.read() as connection:
        shown = (presented, other, "tw_000000000000_" + "x" * 43, "", "\0")
        found = [tokens.find(connection, text) for text in shown]
    assert [sealed.token if sealed else None for sealed in found] == [token, token, None, None, None]
    assert [tokens.matches(sealed, text) for sealed, text in zip(found, shown, strict=True)] == [True] + [False] * 4


def test_the_database_holds_a_salted_hash_and_not_the_token(database: Database) -> None:
    _, presented = issued(database, "anna")
    _, second = issued(database, "boris")
    secrets = [shown.rpartition("_")[2].encode() for shown in (presented, second)]
    with database.read() as connection:
        rows = connection.execute(select(table)).all()
    stored = b"".join(str(tuple(row)).encode() + bytes(row.hash) for row in rows)
    assert [secret in stored for secret in secrets] == [False, False]
    assert (len({bytes(row.salt) for row in rows}), len(bytes(rows[0].hash))) == (2, 32)


def test_a_token_is_live_until_it_expires_or_is_revoked(database: Database) -> None:
    token, _ = issued(database, life=HOUR)
    with database.write() as connection:
        states = [token.state(NOW), token.state(NOW + HOUR)]
        alive = [tokens.any_live(connection, at) for at in (NOW, NOW + HOUR)]
        revoked = [tokens.revoke(connection, "anna", NOW) for _ in range(2)]
        after = tokens.by_prefix(connection, token.prefix)
        none_left = tokens.any_live(connection, NOW)
    assert (states, alive, revoked) == (["live", "expired"], [True, False], [True, False])
    assert (after and after.state(NOW), none_left) == ("revoked", False)


def test_a_name_is_taken_until_its_token_is_revoked(database: Database) -> None:
    issued(database)
    with pytest.raises(StorageError, match="tokens revoke") as caught:
        issued(database, " anna ")
    with database.write() as connection:
        tokens.revoke(connection, "anna", NOW)
    again, _ = issued(database)
    with database.read() as connection:
        assert [token.state(NOW) for token in tokens.listed(connection)] == ["revoked", "live"]
    assert (caught.value.reason, again.name) == ("taken", "anna")


@pytest.mark.parametrize("name", ["", "  ", "\0", "x" * 101])
def test_a_token_has_a_name(database: Database, name: str) -> None:
    with pytest.raises(StorageError) as caught:
        issued(database, name)
    assert caught.value.reason == "bad_name"


def test_the_database_refuses_two_unrevoked_tokens_of_one_name(database: Database) -> None:
    token, _ = issued(database)
    row = {"name": "anna", "role": "read", "salt": b"s", "hash": b"h", "created_at": NOW}
    with pytest.raises(StorageError) as caught, database.write() as connection:
        connection.execute(table.insert(), {**row, "prefix": "another"})
    with pytest.raises(StorageError) as role, database.write() as connection:
        connection.execute(table.insert(), {**row, "name": "b", "prefix": "another", "role": "root"})
    assert (caught.value.reason, role.value.reason, token.role) == ("refused", "refused", "read")


def test_the_last_use_is_noted(database: Database) -> None:
    token, _ = issued(database)
    with database.write() as connection:
        tokens.used(connection, token.id, NOW + HOUR)
        found = tokens.by_prefix(connection, token.prefix)
    assert found
    assert found.last_used_at == NOW + HOUR
