"""Backups: what comes back, into which engine, and what is refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, func, insert, select, text

from pipeline.errors import StorageError
from pipeline.records import Dropped
from storage import archive, articles, feeds, migrations, passes, scores, tokens
from storage.backup import back_up, named, restore
from storage.database import Database, open_database
from storage.schema import (
    coders,
    digest_items,
    digests,
    human_codings,
    lineage_members,
    lineages,
    mailing_lists,
    metadata,
    notices,
    outbox,
    recipients,
)
from tests.samples import HOUR, IRRELEVANT, NOW, add_article, article, embedded, everything

ROOT = Path(__file__).parents[1]
KEPT = {table.name for table in metadata.tables.values() if not table.info.get("derived")}
STEP = """
from alembic import op
import sqlalchemy as sa
revision, down_revision, branch_labels, depends_on = "9001", "{head}", None, None

def upgrade():
    op.add_column("coders", sa.Column("level", sa.Integer, server_default="1", nullable=False))
    op.execute("UPDATE coders SET note = 'upgraded'")
"""


def fill(database: Database) -> None:
    """At least one row in every table, with text in all scripts, times at the ends, bytes, JSON and NULLs."""
    with database.write() as connection:
        judged = article(title='平和条約😀 "交渉"', text="対話の窓は開いた. Надежда есть\u2028\u0085 \\n")
        add_article(connection, judged, tone=0.1 + 0.2, face_value=1 / 3)
        scores.save_vectors(connection, 1, embedded(judged))
        other = add_article(connection, article("https://a.example/2", "Ice hockey. Goals", published_at=None))
        scores.save_screening(connection, other.revision_id, 1, IRRELEVANT, NOW)
        dropped = Dropped(url="https://a.example/2", stage="screen", reason="off_topic")
        articles.drop(connection, dropped, revision_id=other.revision_id, run_id=1, now=NOW)
        feeds.moved(connection, 1, "https://b.example/feed", NOW)
        feeds.log_fetch(
            connection, url="https://a.example/2", what="page", at=NOW, duration_ms=3, outcome="ok", size=2**40
        )
        last = datetime.max.replace(tzinfo=UTC)
        connection.execute(insert(lineages), [{"id": 41, "created_at": datetime(1, 1, 1, tzinfo=UTC)}])
        connection.execute(
            insert(lineage_members), {"article_id": 1, "lineage_id": 41, "similarity": 5e-324, "joined_at": last}
        )
        connection.execute(insert(coders), {"name": "Анна", "created_at": NOW})
        unit = {"coder_id": 1, "revision_id": 1, "part": "text", "start_offset": 0, "end_offset": 3}
        connection.execute(insert(human_codings), unit | {"codes": [], "coded_at": NOW})
        lists = {"name": "daily", "language": "ja", "zone": "Asia/Tokyo", "send_at": "07:00", "weekdays": [0, 6]}
        connection.execute(insert(mailing_lists), lists | {"empty_days": False, "created_at": NOW})
        connection.execute(insert(recipients), {"list_id": 1, "address": "r@example.org", "added_at": NOW})
        covers = {"covers_from": NOW, "covers_to": NOW, "quiet": False, "figures": {}, "chart": b"\0\xff"}
        frozen = {"edition": "daily", "day": "2024-05-01", "language": "ja", "created_at": NOW}
        connection.execute(insert(digests), frozen | covers)
        item = {"digest_id": 1, "position": 1, "edition": "daily", "story": 1, "article_id": 1, "score_id": 1}
        connection.execute(insert(digest_items), item)
        payload = {"b": [1, 0.1, None, True, "条約"], "a": {"z": "\u2028", "aa": ""}}
        mail = {"digest_id": 1, "recipient": "r@example.org", "message_id": "m", "payload": payload, "created_at": NOW}
        connection.execute(insert(outbox), mail)
        told = {"hook": "h", "kind": "feed_broken", "subject": "s", "number": 1, "event": "began", "payload": payload}
        connection.execute(insert(notices), told | {"next_try_at": NOW, "created_at": NOW})
        passes.begin(connection, NOW)
        tokens.issue(connection, "анна", "read", NOW)


@pytest.fixture
def filled(database: Database) -> Database:
    fill(database)
    assert [name for name, rows in everything(database).items() if not rows] == []
    return database


@contextmanager
def another(kind: str, folder: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    """An open database of that kind without rows."""
    if kind == "sqlite":
        database = open_database(f"sqlite:///{folder / 'other.db'}")
        yield database
        database.close()
        return
    server = request.getfixturevalue("postgres")
    name = server.create()
    database = open_database(server.url(name))
    yield database
    database.close()
    server.drop(name)


def reason(call: Callable[..., Any], *args: Any, **options: Any) -> tuple[str, str]:
    with pytest.raises(StorageError) as caught:
        call(*args, **options)
    return caught.value.reason, str(caught.value)


def rewritten(file: Path, changes: dict[str, Callable[[bytes], bytes]]) -> Path:
    """A copy of an archive in which some members are changed."""
    other = file.with_name(f"changed-{file.name}")
    with ZipFile(file) as old, ZipFile(other, "w", ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, changes.get(name, bytes)(old.read(name)))
    return other


def of_manifest(change: Callable[[dict[str, Any]], Any]) -> dict[str, Callable[[bytes], bytes]]:
    def changed(content: bytes) -> bytes:
        manifest = json.loads(content)
        change(manifest)
        return json.dumps(manifest).encode()

    return {"manifest.json": changed}


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_F54_every_row_comes_back_on_either_engine(
    filled: Database, kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    before = everything(filled)
    manifest = back_up(filled, tmp_path / "b.zip", now=NOW)
    with another(kind, tmp_path, request) as other:
        restored = restore(other, tmp_path / "b.zip", now=NOW)
        again = back_up(other, tmp_path / "c.zip", now=NOW)
        assert everything(other) == before
    assert (restored.manifest, restored.replaced, again.tables) == (manifest, None, manifest.tables)


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_new_rows_after_a_restore_get_new_ids(
    filled: Database, kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    back_up(filled, tmp_path / "b.zip", now=NOW)
    with another(kind, tmp_path, request) as other:
        restore(other, tmp_path / "b.zip", now=NOW)
        with other.write() as connection:
            new = connection.scalars(insert(lineages).values(created_at=NOW).returning(lineages.c.id)).one()
            add_article(connection, article("https://a.example/9", "A new one. Text"), tone=0.2)
    assert new == 42


def test_a_database_without_rows_can_be_backed_up_and_restored(database: Database, tmp_path: Path) -> None:
    manifest = back_up(database, tmp_path / "b.zip", now=NOW)
    restore(database, tmp_path / "b.zip", now=NOW)
    with database.write() as connection:
        first = connection.scalars(insert(coders).values(name="a", created_at=NOW).returning(coders.c.id)).one()
    assert (manifest.rows, first) == (0, 1)


def test_a_backup_is_one_snapshot_while_others_write(filled: Database, tmp_path: Path) -> None:
    many(filled)  # so many that the first report comes while the lineages are still to be read
    before, seen = everything(filled), []

    def write(what: str, done: int, total: int) -> None:
        if what == "saving" and not seen:
            with filled.write() as connection:
                connection.execute(insert(lineages), [{"id": n, "created_at": NOW} for n in (101, 102)])
                connection.execute(coders.delete().where(coders.c.id > 900))
            seen.append(len(everything(filled)["lineages"]))

    back_up(filled, tmp_path / "b.zip", now=NOW, progress=write)
    restore(filled, tmp_path / "b.zip", now=NOW, replace=tmp_path)
    assert (seen, everything(filled) == before) == ([3], True)


def test_progress_is_told_to_the_last_row(filled: Database, tmp_path: Path) -> None:
    heard: dict[str, list[tuple[int, int]]] = {}

    def hear(what: str, done: int, total: int) -> None:
        heard.setdefault(what, []).append((done, total))

    rows = back_up(filled, tmp_path / "b.zip", now=NOW, progress=hear).rows
    restore(filled, tmp_path / "b.zip", now=NOW, replace=tmp_path, progress=hear)
    last = {what: told[-1] for what, told in heard.items()}
    assert last == dict.fromkeys(("saving", "checking", "restoring"), (rows, rows))


def test_rows_are_replaced_only_on_demand_and_are_backed_up_first(filled: Database, tmp_path: Path) -> None:
    back_up(filled, tmp_path / "b.zip", now=NOW)
    wanted = everything(filled)
    with filled.write() as connection:
        add_article(connection, article("https://a.example/late", "Late. Too late"), tone=-0.5)
    late = everything(filled)
    why, message = reason(restore, filled, tmp_path / "b.zip", now=NOW)
    refused = everything(filled)
    replaced = restore(filled, tmp_path / "b.zip", now=NOW, replace=tmp_path / "own").replaced
    found = everything(filled)
    assert (why, "--replace" in message, refused == late, found == wanted) == ("not_empty", True, True, True)
    assert replaced == tmp_path / "own" / "replaced-20240501T093000Z.zip"
    restore(filled, replaced, now=NOW + HOUR, replace=tmp_path / "own")
    assert everything(filled) == late


def test_a_backup_names_what_it_holds_and_is_for_its_owner_only(filled: Database, engine: str, tmp_path: Path) -> None:
    file = tmp_path / "new" / "b.zip"
    written = back_up(filled, file, now=NOW)
    manifest = archive.read_manifest(file)
    counts = {table.name: table.rows for table in manifest.tables}
    assert (manifest, manifest.engine, manifest.created_at) == (written, engine, NOW)
    assert counts == {name: len(rows) for name, rows in everything(filled).items() if name in KEPT}
    assert (file.stat().st_mode & 0o777, [path.name for path in file.parent.iterdir()]) == (0o600, ["b.zip"])


def test_a_backup_never_takes_the_place_of_a_file(filled: Database, tmp_path: Path) -> None:
    file = tmp_path / "b.zip"
    file.write_text("mine")
    assert (reason(back_up, filled, file, now=NOW)[0], file.read_text()) == ("exists", "mine")


def test_file_names_sort_by_time() -> None:
    assert [named(NOW + n * HOUR) for n in (0, 10)] == [
        "treatywatch-20240501T093000Z.zip",
        "treatywatch-20240501T193000Z.zip",
    ]


def test_F39_what_postgresql_refuses_in_json_is_left_out(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    mail = {"recipient": "r", "message_id": "m", "created_at": NOW, "payload": {"a\x00": ["b\x00c", "\ud800d"]}}
    with another("sqlite", tmp_path, request) as source:
        with source.write() as connection:
            connection.execute(insert(outbox), mail)
        back_up(source, tmp_path / "b.zip", now=NOW)
    with another("postgresql", tmp_path, request) as other:
        restore(other, tmp_path / "b.zip", now=NOW)
        with other.read() as connection:
            assert connection.scalar(select(outbox.c.payload)) == {"a": ["bc", "d"]}


def test_F54_a_damaged_backup_is_refused_and_the_rows_are_left_alone(filled: Database, tmp_path: Path) -> None:
    file = tmp_path / "b.zip"
    back_up(filled, file, now=NOW)
    before, whole = everything(filled), file.read_bytes()
    largest = max(ZipFile(file).infolist(), key=lambda member: member.compress_size)
    inside = largest.header_offset + 30 + len(largest.filename) + largest.compress_size // 2  # in no header
    damage: dict[str, bytes] = {
        "cut short": whole[: len(whole) // 2],
        "a bit flipped": whole[:inside] + bytes([whole[inside] ^ 1]) + whole[inside + 1 :],
        "empty": b"",
        "no zip": b"my notes\n" * 100,
    }
    found = {}
    for name, content in damage.items():
        (tmp_path / "d.zip").write_bytes(content)
        found[name] = reason(restore, filled, tmp_path / "d.zip", now=NOW, replace=tmp_path / "own")[0]
    assert found == dict.fromkeys(damage, "damaged_backup")
    assert (everything(filled) == before, (tmp_path / "own").exists()) == (True, False)


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"tables/coders.jsonl": lambda rows: rows * 2}, "damaged_backup"),
        ({"tables/coders.jsonl": lambda rows: rows.replace("Анна".encode(), "Инна".encode())}, "damaged_backup"),
        ({"tables/coders.jsonl": lambda rows: b""}, "damaged_backup"),
        (of_manifest(lambda m: m.update(schema_revision="9999")), "newer_schema"),
        (of_manifest(lambda m: m.update(format="other")), "no_backup"),
        (of_manifest(lambda m: m.update(version=2)), "no_backup"),
        (of_manifest(lambda m: m.pop("tables")), "no_backup"),
        (of_manifest(lambda m: m["tables"][0].update(name="alembic_version")), "damaged_backup"),
        (of_manifest(lambda m: m["tables"][0].update(name="../../etc/passwd")), "damaged_backup"),
        (of_manifest(lambda m: m["tables"][0]["columns"].pop("id")), "damaged_backup"),
        ({"manifest.json": lambda content: b"\xff{"}, "no_backup"),
    ],
)  # fmt: skip
def test_F54_a_backup_that_was_tampered_with_is_refused(
    filled: Database, tmp_path: Path, change: Any, wanted: str
) -> None:
    back_up(filled, tmp_path / "b.zip", now=NOW)
    before = everything(filled)
    changed = rewritten(tmp_path / "b.zip", change)
    assert reason(restore, filled, changed, now=NOW, replace=tmp_path)[0] == wanted
    assert everything(filled) == before


def test_F54_a_zip_without_a_manifest_and_a_missing_file_are_named(database: Database, tmp_path: Path) -> None:
    with ZipFile(tmp_path / "z.zip", "w") as other:
        other.writestr("a", "b")
    assert reason(restore, database, tmp_path / "z.zip", now=NOW)[0] == "no_backup"
    assert reason(restore, database, tmp_path / "none.zip", now=NOW)[0] == "cannot_read"
    assert reason(restore, database, tmp_path, now=NOW)[0] == "cannot_read"


def test_F54_a_place_that_cannot_be_written_to_is_named(database: Database, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    why, message = reason(back_up, database, tmp_path / "file" / "b.zip", now=NOW)
    assert (why, str(tmp_path / "file") in message) == ("cannot_write", True)


def test_rows_that_break_the_rules_of_the_schema_roll_everything_back(filled: Database, tmp_path: Path) -> None:
    back_up(filled, tmp_path / "b.zip", now=NOW)
    before = everything(filled)

    def in_order(manifest: dict[str, Any]) -> None:
        manifest["tables"].reverse()  # children before parents

    changed = rewritten(tmp_path / "b.zip", of_manifest(in_order))
    assert reason(restore, filled, changed, now=NOW, replace=tmp_path)[0] == "refused"
    assert everything(filled) == before


def head() -> str:
    return str(ScriptDirectory(str(migrations.HERE)).get_current_head())


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """Migrations with one more step than the program's own."""
    steps = tmp_path / "steps"
    copytree(migrations.HERE, steps)
    (steps / "versions" / "9001_level.py").write_text(STEP.format(head=head()))
    return steps


def levels(database: Database) -> tuple[str | None, list[tuple[Any, ...]]]:
    with database.read() as connection:
        rows = connection.execute(text("SELECT id, name, note, level FROM coders ORDER BY id"))
        return migrations.revision_of(connection), [tuple(row) for row in rows]


def test_F55_an_older_backup_is_restored_at_its_schema_and_then_upgraded(
    empty_url: str, tmp_path: Path, newer: Path
) -> None:
    database = open_database(empty_url)
    with database.write() as connection:
        connection.execute(insert(coders), [{"name": name, "created_at": NOW} for name in ("a", "b")])
    back_up(database, tmp_path / "old.zip", now=NOW)
    with database.write() as connection:
        migrations.upgrade(connection, newer)
        connection.execute(coders.delete())
        connection.execute(text("INSERT INTO coders (name, created_at, level) VALUES ('c', '2024-05-01', 5)"))
    copies = {path: path.read_bytes() for path in tmp_path.glob("*.bak")}
    restore(database, tmp_path / "old.zip", now=NOW, replace=tmp_path / "own", steps=newer)
    found = levels(database)
    with database.write() as connection:
        views = [connection.exec_driver_sql(f"SELECT * FROM {v}").all() for v in ("v_articles", "v_daily_tone")]
        new = connection.scalars(insert(coders).values(name="d", created_at=NOW).returning(coders.c.id)).one()
    database.close()
    assert (found, views, new) == (("9001", [(1, "a", "upgraded", 1), (2, "b", "upgraded", 1)]), [[], []], 3)
    assert {path: path.read_bytes() for path in tmp_path.glob("*.bak")} == copies


def test_F55_a_restore_that_fails_while_it_upgrades_changes_nothing(
    empty_url: str, tmp_path: Path, newer: Path
) -> None:
    database = open_database(empty_url)
    with database.write() as connection:
        connection.execute(insert(coders), {"name": "a", "created_at": NOW})
    back_up(database, tmp_path / "old.zip", now=NOW)
    with database.write() as connection:
        migrations.upgrade(connection, newer)
        connection.execute(text("UPDATE coders SET level = 7"))
    step = newer / "versions" / "9001_level.py"
    step.write_text(step.read_text() + "    raise RuntimeError('half way')\n")
    with pytest.raises(RuntimeError, match="half way"):
        restore(database, tmp_path / "old.zip", now=NOW, replace=tmp_path / "own", steps=newer)
    found = levels(database)
    database.close()
    assert found == ("9001", [(1, "a", "upgraded", 7)])


@pytest.fixture
def older(postgres: Any) -> Iterator[str]:
    """A PostgreSQL database with the first schema, in which somebody has coded."""
    name = postgres.create()
    engine = create_engine(postgres.url(name).replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        migrations.apply(connection, "0001")
        connection.execute(insert(coders), {"name": "Анна", "created_at": NOW})
        connection.execute(text("INSERT INTO lineages (created_at) VALUES ('2024-05-01T00:00:00+09')"))
    engine.dispose()
    yield postgres.url(name)
    postgres.drop(name)


@pytest.mark.postgres
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_F55_postgresql_is_backed_up_before_its_schema_changes(
    older: str, kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    for _ in range(2):  # the second time there is nothing to upgrade
        database = open_database(older, backups=tmp_path / "own")
        upgraded = everything(database)
        database.close()
    (file,) = (tmp_path / "own").iterdir()
    assert (file.name.startswith("schema-0001-"), archive.read_manifest(file).schema_revision) == (True, "0001")
    with another(kind, tmp_path, request) as other:
        restore(other, file, now=NOW)
        assert everything(other) == upgraded
    assert ["Анна" in row for row in upgraded["coders"]] == [True]


@pytest.mark.postgres
def test_F55_a_backup_that_can_not_be_made_holds_the_upgrade_back(older: str, tmp_path: Path) -> None:
    (tmp_path / "own").write_text("in the way")
    assert reason(open_database, older, backups=tmp_path / "own")[0] == "cannot_write"
    engine = create_engine(older.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        assert migrations.revision_of(connection) == "0001"
    engine.dispose()


@pytest.mark.postgres
def test_F55_an_older_database_without_rows_needs_no_backup(postgres: Any, tmp_path: Path) -> None:
    name = postgres.create()
    engine = create_engine(postgres.url(name).replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        migrations.apply(connection, "0001")
    engine.dispose()
    open_database(postgres.url(name), backups=tmp_path / "own").close()
    postgres.drop(name)
    assert not (tmp_path / "own").exists()


def run(code: str, *arguments: str) -> int:
    prelude = (
        "import os, resource, sys; from datetime import UTC, datetime; from pathlib import Path\n"
        "from storage.backup import back_up, restore; from storage.database import open_database\n"
        "from pipeline.errors import StorageError\n"
        "now, database, file = datetime.now(UTC), open_database(sys.argv[1]), Path(sys.argv[2])\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", prelude + code, *arguments], cwd=ROOT, check=False, stderr=sys.stderr
    )
    return done.returncode


def many(database: Database) -> None:
    with database.write() as connection:
        names = [{"name": f"{n} {os.urandom(500).hex()}", "created_at": NOW} for n in range(1000)]
        connection.execute(insert(coders), names)


LIMIT = "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"  # no file may grow further: a full disk


def test_F54_a_disk_that_fills_up_leaves_no_backup(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    many(database)
    database.close()
    code = LIMIT + (
        "try: back_up(database, file, now=now)\n"
        "except StorageError as error: assert error.reason == 'disk_full', error; sys.exit(7)"
    )
    status = run(code, f"sqlite:///{tmp_path / 'a.db'}", str(tmp_path / "new" / "b.zip"))
    assert (status, list((tmp_path / "new").iterdir())) == (7, [])


def test_F54_a_disk_that_fills_up_during_a_restore_changes_nothing(tmp_path: Path) -> None:
    source, target = (open_database(f"sqlite:///{tmp_path / name}.db") for name in ("a", "b"))
    many(source)
    back_up(source, tmp_path / "b.zip", now=NOW)
    with target.write() as connection:
        connection.execute(insert(coders), {"name": "mine", "created_at": NOW})
    code = LIMIT + (
        "try: restore(database, file, now=now, replace=file.parent / 'own')\n"
        "except StorageError as error: assert error.reason in ('disk_full', 'io_error'), error; sys.exit(7)"
    )
    status = run(code, f"sqlite:///{tmp_path / 'b.db'}", str(tmp_path / "b.zip"))
    found = [row[1] for row in everything(target)["coders"]]
    source.close()
    target.close()
    assert (status, found) == (7, ["mine"])


KILL = "def kill(what, done, total):\n    if what == '{}': os.kill(os.getpid(), 9)\n"


def test_F55_a_killed_backup_never_bears_its_name(empty_url: str, tmp_path: Path) -> None:
    database = open_database(empty_url)
    many(database)
    code = KILL.format("checking") + "back_up(database, file, now=now, progress=kill)"
    status = run(code, empty_url, str(tmp_path / "b.zip"))
    back_up(database, tmp_path / "b.zip", now=NOW)
    database.close()
    assert status == -signal.SIGKILL


def test_F55_a_killed_restore_leaves_the_rows_as_they_were(empty_url: str, tmp_path: Path) -> None:
    database = open_database(empty_url)
    many(database)
    back_up(database, tmp_path / "b.zip", now=NOW)
    with database.write() as connection:
        connection.execute(coders.delete().where(coders.c.id > 3))
    before = everything(database)
    code = KILL.format("restoring") + "restore(database, file, now=now, replace=file.parent / 'own', progress=kill)"
    status = run(code, empty_url, str(tmp_path / "b.zip"))
    with database.read() as connection:
        revision = migrations.revision_of(connection)
    after = everything(database)
    database.close()
    assert (status, after == before, revision) == (-signal.SIGKILL, True, head())


def test_a_large_database_is_backed_up_in_little_memory(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    with database.write() as connection:
        for n in range(20):
            names = [{"name": f"{n} {i} {'条約' * 2500}", "created_at": NOW} for i in range(250)]
            connection.execute(insert(coders), names)
    database.close()
    code = (
        "import tracemalloc\n"
        "tracemalloc.start()\n"
        "back_up(database, file, now=now); restore(database, file, now=now, replace=file.parent)\n"
        "assert tracemalloc.get_traced_memory()[1] < 40_000_000, tracemalloc.get_traced_memory()"
    )
    status = run(code, f"sqlite:///{tmp_path / 'a.db'}", str(tmp_path / "b.zip"))
    with open_and_close(f"sqlite:///{tmp_path / 'a.db'}") as again, again.read() as connection:
        assert (status, connection.scalar(select(func.count()).select_from(coders))) == (0, 5000)


@contextmanager
def open_and_close(url: str) -> Iterator[Database]:
    database = open_database(url)
    yield database
    database.close()


def test_two_backups_of_the_same_rows_are_the_same_bytes(filled: Database, tmp_path: Path) -> None:
    for name in ("a", "b"):
        back_up(filled, tmp_path / f"{name}.zip", now=NOW + timedelta(microseconds=1))
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    assert {table.name for table in archive.read_manifest(tmp_path / "a.zip").tables} == KEPT
