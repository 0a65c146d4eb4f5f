"""Exports: the same rows in every format, whole files, bounded memory, cells that run nothing."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from collections.abc import Mapping
from dataclasses import fields
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from pipeline.report.columns import TABLES, Table, dictionary
from pipeline.report.exporting import MEDIA, Format, export, rows_of
from storage import queries
from storage.database import Database, open_database
from storage.queries import Coverage, DailyTone, Evidence, Filter
from tests.samples import add_article, article
from tests.stores import fill
from tests.test_cli import treatywatch
from tests.web import Site

ROOT = Path(__file__).parents[1]
RECORDS: Mapping[Table, type] = {"articles": Coverage, "evidence": Evidence, "daily": DailyTone}


@pytest.fixture
def stocked(database: Database) -> Database:
    """Some articles."""
    with database.write() as connection:
        fill(connection, 30, seed=5)
    return database


def whole(database: Database, table: Table, form: Format, wanted: Filter | None = None) -> bytes:
    with database.read() as connection:
        return b"".join(export(connection, table, form, wanted))


def rows(database: Database, table: Table, wanted: Filter | None = None) -> list[dict[str, Any]]:
    with database.read() as connection:
        return [dict(row) for row in rows_of(connection, table, wanted)]


def from_csv(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def plain(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize("table", TABLES)
def test_every_format_holds_the_same_rows(stocked: Database, table: Table) -> None:
    wanted = rows(stocked, table)
    assert len(wanted) > 20
    lines = [json.loads(line) for line in whole(stocked, table, "jsonl").decode().splitlines()]
    assert lines == [{name: plain(value) for name, value in row.items()} for row in wanted]
    columnar = parquet.read_table(io.BytesIO(whole(stocked, table, "parquet"))).to_pylist(maps_as_pydicts="strict")
    assert [{name: plain(value) for name, value in row.items()} for row in columnar] == lines
    cells = from_csv(whole(stocked, table, "csv"))
    assert [list(row) for row in cells[:1]] == [[column.name for column in TABLES[table]]]
    assert [row["run"] for row in cells] == [row["run"] for row in wanted]
    numbers = [column.name for column in TABLES[table] if column.kind in ("number", "integer")]
    assert [[float(row[name]) for name in numbers] for row in cells] == [
        [row[name] for name in numbers] for row in wanted
    ]


@pytest.mark.parametrize("table", TABLES)
def test_every_row_bears_the_stamp_of_its_run(stocked: Database, table: Table) -> None:
    with stocked.read() as connection:
        (run,) = queries.runs(connection)
    assert {row["run"] for row in rows(stocked, table)} == {run.stamp}


def test_filters_hold_for_exports(stocked: Database) -> None:
    wanted = Filter(language="ja", tone_min=0)
    with stocked.read() as connection:
        listed = queries.coverage(connection, wanted, limit=1000).rows
    ids = sorted(row.article_id for row in listed)
    assert 0 < len(ids) < 30
    assert [row["article_id"] for row in rows(stocked, "articles", wanted)] == ids
    assert sorted({row["article_id"] for row in rows(stocked, "evidence", wanted)}) == ids
    assert sum(row["articles"] for row in rows(stocked, "daily", wanted)) == len(ids)


def test_evidence_is_what_the_scores_rest_on(stocked: Database) -> None:
    found = rows(stocked, "evidence")
    with stocked.read() as connection:
        for score_id in {row["score_id"] for row in found}:
            same = [one.text for one in queries.evidence(connection, score_id)]
            assert [row["text"] for row in found if row["score_id"] == score_id] == same


@pytest.mark.parametrize("form", MEDIA)
@pytest.mark.parametrize("table", TABLES)
def test_nothing_is_an_empty_file_that_can_be_read(database: Database, table: Table, form: Format) -> None:
    data = whole(database, table, form)
    if form == "parquet":
        assert parquet.read_table(io.BytesIO(data)).num_rows == 0
    else:
        assert len(data.decode("utf-8-sig").splitlines()) == (form == "csv")


def test_F48_no_cell_of_an_export_is_a_formula(database: Database) -> None:
    nasty = ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "＝1", " =1"]
    with database.write() as connection:
        for number, title in enumerate(nasty):
            add_article(connection, article(f"https://a.example/{number}", f"-{number}. Hope", title=title), tone=-0.5)
    for table in TABLES:
        for row in csv.reader(io.StringIO(whole(database, table, "csv").decode("utf-8-sig"), newline="")):
            for value in row:
                assert not value.lstrip(" ").startswith(("=", "+", "@", "\t", "＝")), value
                assert not value.startswith("-") or float(value) < 0  # a number is no formula
    kept = [json.loads(line)["title"] for line in whole(database, "articles", "jsonl").decode().splitlines()]
    assert kept == nasty  # programs get what was written


def test_columns_are_those_of_the_records() -> None:
    for table, columns in TABLES.items():
        assert {column.name for column in columns} == {field.name for field in fields(RECORDS[table])}
        assert all(column.meaning.endswith(".") and column.unit for column in columns)


def test_a_parquet_file_says_itself_what_its_columns_mean(stocked: Database) -> None:
    schema = parquet.read_schema(io.BytesIO(whole(stocked, "articles", "parquet")))
    assert schema.field("tone").metadata == {
        b"description": b"Tone of the article: -1 vigilant, 0 neither, +1 credulous.", b"unit": b"-1 to 1",
    }  # fmt: skip
    assert str(schema.field("at").type) == "timestamp[us, tz=UTC]"


def test_the_document_of_the_data_is_the_dictionary() -> None:
    assert dictionary() in (ROOT / "docs" / "data.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("form", MEDIA)
def test_memory_does_not_grow_with_the_rows(tmp_path: Path, form: Format) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'coverage.db'}")

    def peak(wanted: Filter) -> tuple[int, int]:
        with database.read() as connection:
            tracemalloc.start()
            size = sum(len(piece) for piece in export(connection, "evidence", form, wanted))
            most = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return size, most

    with database.write() as connection:
        long = ". ".join(f"Talks {n} go on and on, and hope is in the air" for n in range(120))
        for number in range(250):
            judged = article(
                f"https://a.example/{number}", f"{number}. {long}", outlet="Asahi" if number % 10 else "Few"
            )
            add_article(connection, judged, tone=0.1, face_value=0.5)
    peak(Filter(outlet="Few"))  # imports
    few, many = peak(Filter(outlet="Few")), peak(Filter(outlet="Asahi"))
    database.close()
    if form != "parquet":
        assert many[0] > 8 * few[0]
    held = 40 if form == "parquet" else 12  # a group of a Parquet file is written at once
    assert many[1] < held * 2**20


def test_over_http_a_file_comes_with_its_name_in_pieces(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'coverage.db'}")
    with database.write() as connection:
        fill(connection, 600, seed=1)
    site = Site(database, requests_per_minute=10**9)
    for table in TABLES:
        for form, media in MEDIA.items():
            answer = site.ask(f"/api/v1/export/{table}?format={form}")
            assert answer.content == whole(database, table, form)
            assert answer.headers["content-type"].partition(";")[0] == media.name
            assert answer.headers["content-disposition"].endswith(f'.{form}"')
    assert site.ask("/api/v1/export/articles?format=xlsx").status_code == 422
    assert site.ask("/api/v1/export/nothing").status_code == 422
    with database.write() as connection:
        connection.exec_driver_sql("DROP TABLE coding_codes")
    assert site.ask("/api/v1/export/evidence").status_code == 503  # no file that breaks off
    site.close()
    database.close()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with articles in it."""
    directory = tmp_path_factory.mktemp("exports")
    database = open_database(f"sqlite:///{directory / 'coverage.db'}")
    with database.write() as connection:
        fill(connection, 30, seed=5)
    database.close()
    return directory


@pytest.mark.parametrize(("name", "form"), [("a.csv", "csv"), ("a.jsonl", "jsonl"), ("a.PARQUET", "parquet")])
def test_the_command_writes_what_the_name_says(home: Path, tmp_path: Path, name: str, form: Format) -> None:
    done = treatywatch("export", "evidence", "--language", "ja", "-o", tmp_path / name, "--json", home=home)
    assert done.returncode == 0, done.stderr
    database = open_database(f"sqlite:///{home / 'coverage.db'}")
    expected = whole(database, "evidence", form, Filter(language="ja"))
    database.close()
    assert (tmp_path / name).read_bytes() == expected
    assert json.loads(done.stdout)["bytes"] == len(expected)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_without_a_file_the_command_prints(home: Path) -> None:
    done = treatywatch("export", "daily", "--format", "jsonl", home=home)
    assert {json.loads(line)["outlet"] for line in done.stdout.splitlines()} == {"Asahi", "Herald", "Kyodo", "TASS"}


def test_the_command_tells_what_columns_mean(home: Path) -> None:
    assert treatywatch("export", "--dictionary", home=home).stdout == dictionary()
    assert set(json.loads(treatywatch("export", "--dictionary", "--json", home=home).stdout)) == set(TABLES)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["export", "article"], "did you mean 'articles'"),
        (["export", "-o", "a.xlsx"], "give --format"),
        (["export", "--format", "cvs"], "did you mean 'csv'"),
        (["export", "-o", "no/such/folder/a.csv"], "can't be written"),
        (["export", "--omitted", "motive"], "did you mean 'motives'"),
    ],
)
def test_wrong_usage_of_the_command_says_what_is_meant(home: Path, arguments: list[str], said: str) -> None:
    done = treatywatch(*arguments, home=home)
    assert (done.returncode, said in " ".join(done.stderr.replace("│", " ").split())) == (2, True), done.stderr


def test_a_file_is_there_whole_or_as_it_was(home: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("what was there")
    broken = tmp_path / "broken"
    broken.mkdir()
    database = open_database(f"sqlite:///{broken / 'coverage.db'}")
    with database.write() as connection:
        fill(connection, 5, seed=5)
        connection.exec_driver_sql("DROP TABLE coding_codes")
    database.close()
    done = treatywatch("export", "evidence", "-o", tmp_path / "a.csv", home=broken)
    assert done.returncode == 1
    assert (tmp_path / "a.csv").read_text() == "what was there"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "broken"]
