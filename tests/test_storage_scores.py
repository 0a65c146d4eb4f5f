"""Judgements: runs, screenings, vectors and scores."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select, text

from pipeline.errors import StorageError
from pipeline.records import Score
from storage import migrations, queries, scores
from storage.database import Database, open_database
from storage.schema import coding_codes, codings, passages, screenings
from storage.schema import scores as table
from tests.samples import HOUR, IRRELEVANT, NOW, RELEVANT, RUN, add_article, article, coded, embedded, everything, score

VIEWS = Path(__file__).parents[1] / "storage" / "migrations" / "versions" / "0001_views.sql"
JAPANESE = article(title="平和条約😀交渉", text="大統領は語った. 島は戻らない😀. Надежда есть")


@pytest.fixture
def ready(database: Database) -> Database:
    """A database with one article, revision 1, and one run, 1."""
    with database.write() as connection:
        add_article(connection, JAPANESE)
    return database


def save(database: Database, kept: Score, **options: Any) -> int:
    with database.write() as connection:
        return scores.save_score(connection, 1, 1, kept, options.get("now", NOW))


def test_a_run_is_known_by_its_stamp(database: Database) -> None:
    with database.write() as connection:
        ids = [scores.ensure_run(connection, run, NOW) for run in (RUN, RUN, replace(RUN, version="2"))]
    assert (ids[0] == ids[1], ids[0] == ids[2]) == (True, False)


def test_the_latest_run_is_the_one_that_judged_last(ready: Database) -> None:
    with ready.write() as connection:
        newer = scores.ensure_run(connection, replace(RUN, version="2"), NOW + HOUR)
        unused = scores.latest_run(connection)
        scores.save_screening(connection, 1, 1, RELEVANT, NOW + 2 * HOUR)
        used = scores.latest_run(connection)
    assert (unused and unused.id, used and (used.id, used.run)) == (newer, (1, RUN))


def test_there_may_be_no_run_yet(database: Database) -> None:
    with database.read() as connection:
        assert scores.latest_run(connection) is None


def test_a_screening_is_written_once(ready: Database) -> None:
    for now, relevance in ((NOW, RELEVANT), (NOW + HOUR, IRRELEVANT)):
        with ready.write() as connection:
            scores.save_screening(connection, 1, 1, relevance, now)
    with ready.read() as connection:
        rows = [tuple(row) for row in connection.execute(select(screenings))]
    assert rows == [(1, 1, True, 0.9, "talks", ["平和条約"], NOW)]


def test_vectors_come_back_with_their_passages(ready: Database) -> None:
    given = embedded(JAPANESE)
    with ready.write() as connection:
        scores.save_vectors(connection, 1, given)
        found = scores.load_vectors(connection, 1, "m")
    assert found is not None
    assert (found.article, found.passages, found.vectors.dtype) == (JAPANESE, given.passages, np.float32)
    assert float(np.abs(found.vectors - given.vectors).max()) < 0.0005


def test_vectors_of_an_unknown_model_are_none(ready: Database) -> None:
    with ready.read() as connection:
        assert scores.load_vectors(connection, 1, "other") is None


def test_saving_vectors_twice_changes_nothing_and_new_ones_take_their_place(ready: Database) -> None:
    given = embedded(JAPANESE)
    shorter = replace(given, passages=given.passages[:2], vectors=given.vectors[:2])
    counts = []
    for each in (given, given, shorter):
        with ready.write() as connection:
            scores.save_vectors(connection, 1, each)
            counts.append(len(connection.execute(passages.select()).all()))
    assert counts == [4, 4, 2]


def test_vectors_of_an_article_without_passages_can_be_kept(ready: Database) -> None:
    nothing = replace(embedded(JAPANESE), passages=(), vectors=np.zeros((0, 8), np.float32))
    with ready.write() as connection:
        scores.save_vectors(connection, 1, nothing)
        found = scores.load_vectors(connection, 1, "m")
    assert found is not None
    assert (found.passages, found.vectors.shape) == ((), (0, 8))


def test_a_score_is_written_once(ready: Database) -> None:
    first = save(ready, score(JAPANESE, 0.5, face_value=0.8, deadlock_stated=0.4))
    before = everything(ready)
    second = save(ready, score(JAPANESE, -0.5), now=NOW + HOUR)
    assert (second, everything(ready)) == (first, before)


def test_a_score_keeps_every_passage_and_code(ready: Database) -> None:
    save(ready, score(JAPANESE, 0.5, face_value=0.8, deadlock_stated=0.4))
    with ready.read() as connection:
        kept = connection.execute(select(table.c.tone, table.c.tone_low, table.c.omitted, table.c.scored_at)).one()
        families = list(connection.scalars(select(codings.c.family).order_by(codings.c.position)))
        codes = connection.execute(select(coding_codes.c.position, coding_codes.c.code)).all()
    assert tuple(kept) == (0.5, 0.2, ["clause_2020", "motives"], NOW)
    assert families == ["neutral", "optimistic", "optimistic", "optimistic"]
    assert sorted(map(tuple, codes)) == sorted((n, c) for n in (1, 2, 3) for c in ("deadlock_stated", "face_value"))


def test_a_score_keeps_its_error_credulity_and_who_gives_which_fact(ready: Database) -> None:
    save(ready, score(JAPANESE))
    columns = [table.c[name] for name in ("expected_error", "credulity", "given", "unusual")]
    with ready.read() as connection:
        assert tuple(connection.execute(select(*columns)).one()) == (0.2, 0.25, {"islands": 1}, ["short"])


def test_an_ordinary_article_that_gives_no_fact_is_told_from_one_that_was_not_looked_at(ready: Database) -> None:
    save(ready, replace(score(JAPANESE), credulity=0.0, given={}, unusual=()))
    with ready.read() as connection:
        kept = connection.execute(select(table.c.credulity, table.c.given, table.c.unusual)).one()
    assert tuple(kept) == (0.0, {}, [])


def test_the_migration_keeps_earlier_scores_and_gives_them_no_credulity(empty_url: str) -> None:
    database = open_database(empty_url)
    with database.write() as connection:
        stored = add_article(connection, JAPANESE, tone=0.5)
        shown = connection.execute(text("SELECT count(*) FROM v_articles WHERE credulity = 0.25")).scalar_one()
    with database.write() as connection:
        for view in ("v_daily_tone", "v_articles"):
            connection.execute(text(f"DROP VIEW {view}"))
        for column in ("expected_error", "credulity", "given", "unusual"):
            connection.execute(text(f"ALTER TABLE scores DROP COLUMN {column}"))
        for view in first_views(connection.dialect.name):
            connection.execute(text(view))
        head = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
        migrations.apply(connection, "0002")
        connection.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": head})
    with database.read() as connection:
        earlier = connection.execute(text("SELECT tone, credulity, unusual FROM v_articles")).one()
        daily = connection.execute(text("SELECT articles, tone, credulity FROM v_daily_tone")).one()
        (row,) = queries.coverage(connection).rows
    with database.write() as connection:
        newer = scores.ensure_run(connection, replace(RUN, version="2"), NOW)
        scores.save_score(connection, stored.revision_id, newer, score(JAPANESE), NOW)
        kept = list(connection.scalars(select(table.c.credulity).order_by(table.c.id)))
    database.close()
    assert (shown, tuple(earlier), tuple(daily)) == (1, (0.5, None, None), (1, 0.5, None))
    assert (row.tone, row.credulity, row.unusual, kept) == (0.5, None, (), [None, 0.25])


def first_views(dialect: str) -> list[str]:
    """The views of the first schema that the second changes."""
    day = {"sqlite": "substr({}, 1, 10)", "postgresql": "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD')"}[dialect]
    written = VIEWS.read_text(encoding="utf-8").replace("{day}", day.format("coalesce(published_at, first_seen_at)"))
    return [view for view in written.split(";\n") if "VIEW v_articles" in view or "VIEW v_daily_tone" in view]


@pytest.mark.parametrize(
    "wrong",
    [
        {"start": 1},
        {"end": 10_000},
        {"start": -4, "end": -1, "text": JAPANESE.title[-4:-1]},
        {"part": "text"},
        {"text": "平和条約?交渉"},
        {"start": 3, "end": 1, "text": ""},
    ],
)
def test_a_passage_that_is_not_in_the_text_is_refused_with_the_whole_score(
    ready: Database, wrong: dict[str, Any]
) -> None:
    title, *rest = coded(JAPANESE, face_value=0.5)
    moved = replace(title, passage=replace(title.passage, **wrong))
    before = everything(ready)
    with pytest.raises(StorageError) as caught:
        save(ready, replace(score(JAPANESE), coded=(moved, *rest)))
    assert (caught.value.reason, everything(ready)) == ("not_located", before)


def test_vectors_whose_passages_are_not_in_the_text_are_refused(ready: Database) -> None:
    elsewhere = embedded(article(text="Another text. With more"))
    with pytest.raises(StorageError) as caught, ready.write() as connection:
        scores.save_vectors(connection, 1, elsewhere)
    assert caught.value.reason == "not_located"


@pytest.mark.parametrize("tone", [float("nan"), float("inf"), 1.5])
def test_F65_a_tone_that_is_no_tone_is_refused(ready: Database, tone: float) -> None:
    with pytest.raises(StorageError) as caught:
        save(ready, replace(score(JAPANESE), tone=tone))
    assert caught.value.reason == "refused"


def test_a_score_of_an_unknown_text_is_refused(ready: Database) -> None:
    with pytest.raises(StorageError) as caught, ready.write() as connection:
        scores.save_score(connection, 99, 1, score(JAPANESE), NOW)
    assert caught.value.reason == "unknown_revision"


def test_F39_offsets_fit_the_text_as_it_is_stored(database: Database) -> None:
    with database.write() as connection:
        stored = add_article(connection, article(text="A\x00B. C\ud800D"))
        kept = scores.load(connection, stored.revision_id)
        scores.save_score(connection, stored.revision_id, 1, score(kept), NOW)
    assert kept.text == "AB. CD"


def test_rescoring_adds_a_run_and_keeps_the_old_score(ready: Database) -> None:
    save(ready, score(JAPANESE, 0.5))
    with ready.write() as connection:
        other = scores.ensure_run(connection, replace(RUN, heads_hash="new"), NOW)
        scores.save_score(connection, 1, other, score(JAPANESE, -0.5), NOW)
        tones = list(connection.scalars(select(table.c.tone).order_by(table.c.id)))
    assert tones == [0.5, -0.5]
