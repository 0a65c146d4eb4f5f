"""Opening, migrating and writing a database, and what happens when that goes wrong."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, text

from pipeline.errors import StorageError
from storage import migrations
from storage.database import Database, open_database
from storage.schema import coders, metadata, outbox

NOW = datetime(2024, 5, 1, 9, 30, tzinfo=UTC)
ROOT = Path(__file__).parents[1]
HEAD = ScriptDirectory(str(migrations.HERE)).get_current_head()
VIEWS = (
    "v_articles", "v_code_shares", "v_daily_tone", "v_evidence", "v_feed_health", "v_funnel", "v_omissions", "v_runs",
)  # fmt: skip
BAD_STEP = """
from alembic import op
import sqlalchemy as sa
revision, down_revision, branch_labels, depends_on = "9999", "{head}", None, None

def upgrade():
    op.create_table("novelty", sa.Column("id", sa.Integer))
    op.execute("UPDATE coders SET name = 'changed'")
    {failure}
"""


def coder(name: str) -> dict[str, Any]:
    return {"name": name, "created_at": NOW}


def names(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.scalars(coders.select().with_only_columns(coders.c.name).order_by(coders.c.id)))


def add(database: Database, *added: str) -> None:
    with database.write() as connection:
        connection.execute(coders.insert(), [coder(name) for name in added])


@pytest.fixture
def steps(tmp_path: Path) -> Iterator[Path]:
    """A copy of the migrations to which a test can add."""
    shutil.copytree(Path(migrations.__file__).parent, tmp_path / "steps")
    return tmp_path / "steps"


def add_step(steps: Path, failure: str) -> None:
    (steps / "versions" / "9999_novelty.py").write_text(BAD_STEP.format(failure=failure, head=HEAD))


def reason(call: Any, *args: Any, **options: Any) -> tuple[str, str]:
    with pytest.raises(StorageError) as caught:
        call(*args, **options)
    return caught.value.reason, str(caught.value)


def described(connection: Connection) -> dict[str, Any]:
    """Everything that the database says of its tables."""
    inspector = inspect(connection)

    def plain(value: Any) -> str:
        return str({key: str(part) for key, part in value.items()} if isinstance(value, dict) else value)

    def sorted_(items: Any) -> list[str]:
        return sorted(repr(sorted((key, plain(value)) for key, value in item.items())) for item in items)

    return {
        table: [
            sorted_(inspector.get_columns(table)),
            str(sorted(inspector.get_pk_constraint(table).items(), key=str)),
            sorted_(inspector.get_foreign_keys(table)),
            sorted_(inspector.get_unique_constraints(table)),
            sorted_(inspector.get_check_constraints(table)),
            sorted_(inspector.get_indexes(table)),
        ]
        for table in inspector.get_table_names()
        if table != "alembic_version"
    }


def test_the_migrations_lead_to_the_schema_that_the_program_uses(empty_url: str, database: Database) -> None:
    driver = empty_url.replace("postgresql:", "postgresql+psycopg:")
    engine = create_engine(driver)
    with engine.begin() as connection:
        metadata.create_all(connection)
        wanted = described(connection)
    engine.dispose()
    with database.read() as connection:
        assert described(connection) == wanted


def test_the_views_can_be_read(database: Database) -> None:
    with database.read() as connection:
        found = {view: connection.exec_driver_sql(f"SELECT * FROM {view}").all() for view in VIEWS}
    assert found == {view: [] for view in VIEWS}


def test_opening_again_keeps_what_was_stored(empty_url: str) -> None:
    first = open_database(empty_url)
    add(first, "a")
    first.close()
    second = open_database(empty_url)
    assert names(second) == ["a"]
    second.close()


def test_a_failing_block_stores_nothing(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.write() as connection:
        connection.execute(coders.insert(), coder("a"))
        raise ZeroDivisionError
    assert names(database) == []


def test_reading_cannot_write(database: Database) -> None:
    def write() -> None:
        with database.read() as connection:
            connection.execute(coders.insert(), coder("a"))

    assert reason(write)[0] == "read_only"
    add(database, "b")
    assert names(database) == ["b"]


def test_a_reader_sees_one_unchanging_state(database: Database) -> None:
    add(database, "a")
    count = text("SELECT count(*) FROM coders")
    with database.read() as connection:
        before = connection.scalar(count)
        add(database, "b")
        assert (before, connection.scalar(count)) == (1, 1)


def test_datetimes_come_back_aware_and_in_utc(database: Database) -> None:
    tokyo = timezone(timedelta(hours=9))
    given = [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(2024, 5, 1, 9, 30, 0, 1, tzinfo=tokyo),
        datetime.max.replace(tzinfo=UTC),
    ]
    with database.write() as connection:
        rows = [coder(str(number)) | {"created_at": moment} for number, moment in enumerate(given)]
        connection.execute(coders.insert(), rows)
    with database.read() as connection:
        order = coders.select().with_only_columns(coders.c.created_at).order_by(coders.c.created_at)
        found = list(connection.scalars(order))
    assert (found, {moment.tzinfo for moment in found}) == (given, {UTC})


def test_sqlite_keeps_times_as_sortable_text(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    add(database, "a")
    with database.read() as connection:
        kept = connection.exec_driver_sql("SELECT created_at FROM coders").scalar_one()
    database.close()
    assert kept == "2024-05-01T09:30:00.000000Z"


def test_naive_datetimes_are_refused(database: Database) -> None:
    def write() -> None:
        with database.write() as connection:
            connection.execute(coders.insert(), coder("a") | {"created_at": datetime(2024, 1, 1)})  # noqa: DTZ001

    assert reason(write)[0] == "refused"


def test_F39_characters_that_no_database_takes_are_left_out(database: Database) -> None:
    add(database, "a\x00b\x0b\x1f\ud800\udfff\ufffe\uffffc\t\n\r😀条約")
    assert names(database) == ["abc\t\n\r😀条約"]


def test_lower_knows_cyrillic(database: Database) -> None:
    with database.read() as connection:
        assert connection.scalar(text("SELECT lower('ДОГОВОР Ärger')")) == "договор ärger"


def test_F50_a_NUL_in_a_question_finds_nothing_and_raises_nothing(database: Database) -> None:
    with database.read() as connection:
        found = connection.execute(coders.select().where(coders.c.name == "\x00\ud800")).all()
    assert found == []


def test_the_password_is_never_shown(empty_url: str) -> None:
    secret = "postgresql://user:hunter2@127.0.0.1:1/db?sslpassword=hunter2&connect_timeout=1"
    assert "hunter2" not in reason(open_database, secret)[1]


def test_the_url_names_the_database(database: Database, engine: str) -> None:
    assert database.url.split(":")[0] == database.dialect == engine


@pytest.mark.parametrize(
    "url",
    [
        "",
        "coverage.db",
        "mysql://localhost/x",
        "postgresql+asyncpg://h/d",
        "sqlite://",
        "sqlite:///:memory:",
        "postgresql://h:port/d",
    ],
)
def test_F54_a_wrong_url_says_what_a_right_one_looks_like(url: str) -> None:
    why, message = reason(open_database, url)
    assert (why, "postgresql://" in message) == ("bad_url", True)


def test_F54_an_unreachable_server_is_named() -> None:
    why, message = reason(open_database, "postgresql://127.0.0.1:1/none?connect_timeout=2")
    assert (why, "127.0.0.1" in message) == ("unreachable", True)


@pytest.mark.postgres
def test_F54_an_unknown_database_of_a_server_is_unreachable(postgres: Any) -> None:
    assert reason(open_database, postgres.url("nowhere"))[0] == "unreachable"


def test_missing_directories_are_made(tmp_path: Path) -> None:
    file = tmp_path / "a b" / "平和" / "c.db"
    open_database(f"sqlite:///{file}").close()
    assert file.exists()


def test_F54_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    why, message = reason(open_database, f"sqlite:///{tmp_path}/file/sub/c.db")
    assert (why, str(tmp_path / "file") in message) == ("no_directory", True)


def test_F54_a_directory_is_no_database(tmp_path: Path) -> None:
    assert reason(open_database, f"sqlite:///{tmp_path}")[0] == "cannot_open"


def test_F54_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "notes.db"
    file.write_bytes(b"my notes, not a database\n" * 200)
    assert reason(open_database, f"sqlite:///{file}")[0] == "corrupt"
    assert file.read_bytes() == b"my notes, not a database\n" * 200


def test_F54_a_damaged_file_is_reported_when_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    database = open_database(f"sqlite:///{file}")
    add(database, *(f"{number} {'x' * 900}" for number in range(200)))
    database.close()
    size = file.stat().st_size
    with file.open("r+b") as raw:
        raw.seek(size - 100 * 1024)
        raw.write(os.urandom(100 * 1024))
    again = open_database(f"sqlite:///{file}")
    assert reason(names, again)[0] == "corrupt"
    again.close()


def test_F54_a_full_disk_is_named_and_stores_nothing(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'a.db'}")

    def fill() -> None:
        with database.write() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")  # the file may not grow: a full disk
            connection.execute(coders.insert(), [coder(f"{n} {'x' * 4000}") for n in range(50)])

    assert (reason(fill)[0], names(database)) == ("disk_full", [])
    database.close()


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("53100", "disk_full"),
        ("25006", "read_only"),
        ("XX001", "corrupt"),
        ("40P01", "busy"),
        ("42501", "forbidden"),
        ("57P01", "unreachable"),
    ],
)
def test_F54_what_a_server_reports_is_put_in_words(postgres: Any, code: str, wanted: str) -> None:
    database = open_database(postgres.ready)

    def fail() -> None:
        with database.write() as connection:
            connection.exec_driver_sql(f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END $$")

    assert reason(fail)[0] == wanted
    database.close()


def test_F54_a_database_that_can_only_be_read_can_be_read(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    writable = open_database(f"sqlite:///{file}")
    add(writable, "a")
    read_only = open_database(f"sqlite:///file:{file}?mode=ro&uri=true")
    assert (names(read_only), reason(add, read_only, "b")[0]) == (["a"], "read_only")
    read_only.close()
    writable.close()


def test_F54_a_newer_schema_is_refused_and_left_alone(empty_url: str) -> None:
    database = open_database(empty_url)
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    why, message = reason(open_database, empty_url)
    with database.read() as connection:
        revision = migrations.revision_of(connection)
    database.close()
    assert (why, "9999" in message, revision) == ("newer_schema", True, "9999")


def test_F54_another_programs_tables_are_left_alone(empty_url: str) -> None:
    engine = create_engine(empty_url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE articles (mine INTEGER)"))
    engine.dispose()
    assert reason(open_database, empty_url)[0] == "foreign_schema"


def test_an_outdated_schema_is_refused_without_leave_to_migrate(empty_url: str) -> None:
    assert reason(open_database, empty_url, migrate=False)[0] == "older_schema"


def test_a_current_schema_needs_no_leave_to_migrate(database: Database, tmp_path: Path, engine: str) -> None:
    if engine == "sqlite":
        open_database(f"sqlite:///{tmp_path / 'coverage.db'}", migrate=False).close()
    add(database, "a")
    assert names(database) == ["a"]


def test_F52_sqlite_keeps_committed_rows_through_a_power_loss(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    with database.write() as connection:
        pragmas = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    database.close()
    assert pragmas == ["wal", 2, 1, 5000]


def test_F53_two_that_read_and_then_write_do_not_lose_each_others_work(database: Database) -> None:
    add(database, "0")

    def count_up() -> None:
        for _ in range(25):
            with database.write() as connection:
                found = connection.scalar(
                    text("SELECT name FROM coders" + " FOR UPDATE" * (database.dialect != "sqlite"))
                )
                connection.execute(coders.update().values(name=str(int(found) + 1)))

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(database) == ["100"]


def test_F53_waiting_for_the_write_lock_has_an_end(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'a.db'}", busy_timeout_s=0.01)
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert reason(add, database, "a")[0] == "busy"
        other.execute("ROLLBACK")
    add(database, "b")
    assert names(database) == ["b"]
    database.close()


def test_broken_references_are_refused(database: Database) -> None:
    def write() -> None:
        with database.write() as connection:
            connection.execute(text("INSERT INTO article_urls (url, article_id) VALUES ('u', 5)"))

    assert reason(write)[0] == "refused"


def test_words_outside_a_closed_vocabulary_are_refused(database: Database) -> None:
    row = {"digest_id": None, "recipient": "r", "message_id": "m", "payload": {}, "created_at": NOW, "state": "lost"}

    def write() -> None:
        with database.write() as connection:
            connection.execute(outbox.insert(), row)

    assert reason(write)[0] == "refused"


def test_F55_a_step_that_fails_leaves_the_schema_and_rows_as_they_were(database: Database, steps: Path) -> None:
    add(database, "a")
    add_step(steps, "raise RuntimeError('half way')")
    with pytest.raises(RuntimeError, match="half way"), database.write() as connection:
        migrations.upgrade(connection, steps)
    with database.read() as connection:
        tables, revision = inspect(connection).get_table_names(), migrations.revision_of(connection)
    assert ("novelty" in tables, revision, names(database)) == (False, HEAD, ["a"])


def test_F55_an_interrupted_upgrade_is_finished_the_next_time(empty_url: str, steps: Path) -> None:
    database = open_database(empty_url)
    add(database, "a")
    add_step(steps, "raise RuntimeError('half way')")
    with pytest.raises(RuntimeError), database.write() as connection:
        migrations.upgrade(connection, steps)
    add_step(steps, "pass")
    with database.write() as connection:
        migrations.upgrade(connection, steps)
        revision = migrations.revision_of(connection)
    assert (revision, names(database)) == ("9999", ["changed"])
    database.close()


def test_F55_a_killed_upgrade_is_rolled_back(tmp_path: Path, steps: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    database = open_database(url)
    add(database, "a")
    add_step(steps, "import os; os.kill(os.getpid(), 9)")
    code = (
        "import sys; from pathlib import Path\n"
        "from storage import migrations; from storage.database import open_database\n"
        "with open_database(sys.argv[1]).write() as c: migrations.upgrade(c, Path(sys.argv[2]))"
    )
    killed = subprocess.run([sys.executable, "-c", code, url, str(steps)], cwd=ROOT, check=False)
    with database.read() as connection:
        revision = migrations.revision_of(connection)
    assert (killed.returncode, revision, names(database)) == (-signal.SIGKILL, HEAD, ["a"])
    database.close()


def test_F55_sqlite_is_backed_up_before_its_schema_changes(tmp_path: Path, steps: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    add(database, "a")
    before = sorted(path.name for path in tmp_path.glob("*.bak*"))
    add_step(steps, "pass")
    with database.write() as connection:
        migrations.upgrade(connection, steps)
    database.close()
    backup = open_database(f"sqlite:///{tmp_path / f'a.db.{HEAD}.bak'}", migrate=False)
    assert (before, names(backup), sorted(path.name for path in tmp_path.glob("*.bak"))) == (
        [],
        ["a"],
        [f"a.db.{HEAD}.bak"],
    )
    backup.close()


def test_F54_several_processes_may_open_a_new_database_at_once(empty_url: str) -> None:
    code = "import sys; from storage.database import open_database; open_database(sys.argv[1]).close()"
    command = [sys.executable, "-W", "error", "-c", code, empty_url]
    started = [subprocess.Popen(command, cwd=ROOT) for _ in range(4)]
    assert [process.wait(60) for process in started] == [0, 0, 0, 0]


def test_F51_a_killed_writer_leaves_nothing_behind(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    database = open_database(url)
    code = (
        "import os, sys; from storage.database import open_database\n"
        "d = open_database(sys.argv[1])\n"
        "sql = \"INSERT INTO coders (name, created_at) VALUES (?, '2024-05-01T00:00:00.000000Z')\"\n"
        "with d.write() as c: c.exec_driver_sql(sql, ('kept',))\n"
        "with d.write() as c: c.exec_driver_sql(sql, ('lost',)); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, url], cwd=ROOT, check=False)
    add(database, "after")
    assert names(database) == ["kept", "after"]
    database.close()


def test_the_migrations_need_no_file_in_the_working_directory(tmp_path: Path) -> None:
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from storage.database import open_database; open_database('sqlite:///x.db').close()"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=tmp_path, check=False)
    assert (done.returncode, (tmp_path / "x.db").exists()) == (0, True)


def test_json_comes_back_as_it_was_given(database: Database) -> None:
    payload = {"text": "条約 ' \" \\ 😀", "list": [1, 0.5, None, True]}
    row = {"recipient": "r", "message_id": "m", "payload": payload, "created_at": NOW}
    with database.write() as connection:
        connection.execute(outbox.insert(), row)
    with database.read() as connection:
        assert connection.scalar(outbox.select().with_only_columns(outbox.c.payload)) == payload
