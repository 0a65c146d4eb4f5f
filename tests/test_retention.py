"""What retention removes, and what it never does, whatever the rows and the settings."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Table, insert, select, update

from config.sections import RetentionSettings
from config.settings import load
from pipeline.errors import StorageError
from storage import articles, queries, retention, scores
from storage.articles import REMOVED
from storage.database import Database
from storage.retention import Pruned, foreseen, prune
from storage.schema import articles as articles_table
from storage.schema import (
    coders,
    coding_codes,
    codings,
    digest_items,
    digests,
    drops,
    fetches,
    human_codings,
    metadata,
    passages,
    revisions,
    runs,
    screenings,
    vectors,
)
from storage.schema import scores as scores_table
from tests.samples import (
    IRRELEVANT,
    NOW,
    RELEVANT,
    RUN,
    add_article,
    add_feed,
    article,
    embedded,
    entry,
    everything,
    score,
)

DAY = timedelta(days=1)
ALL_OFF = RetentionSettings(fetch_log_days=0, unused_text_days=0, former_text_days=0, vector_days=0)
LATER = NOW + 100 * DAY


def keeping(**days: int) -> RetentionSettings:
    return ALL_OFF.model_copy(update={f"{name}_days": value for name, value in days.items()})


def judged_irrelevant(database: Database, url: str = "https://a.example/1", run_id: int = 1) -> int:
    with database.write() as connection:
        text = article(url, f"Ice hockey of {url}. Goals")
        stored = add_article(connection, text)
        scores.save_screening(connection, stored.revision_id, run_id, IRRELEVANT, NOW)
        scores.save_vectors(connection, stored.revision_id, embedded(text))
    return stored.revision_id


def texts(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.scalars(select(revisions.c.text).order_by(revisions.c.id)))


def waiting(database: Database, run_id: int = 1) -> list[int]:
    with database.read() as connection:
        return [one.revision_id for one in articles.unscored(connection, run_id)]


def store_again(database: Database, text: Any, now: Any) -> articles.Stored:
    with database.write() as connection:
        feed_id = add_feed(connection)[0]
        articles.add_entries(connection, feed_id, [entry(f"again {now}", text.url, title=str(now))], now)
        connection.execute(update(metadata.tables["entries"]).values(state="announced"))
        return articles.store(connection, articles.pending(connection, now)[0].id, text, now)


def test_the_shipped_settings_keep_every_text_and_vector() -> None:
    shipped = load(environ={}).retention
    assert shipped == keeping(fetch_log=shipped.fetch_log_days)


def test_an_irrelevant_text_goes_after_its_days_with_its_vectors(database: Database) -> None:
    judged_irrelevant(database)
    keep = keeping(unused_text=100)
    early = prune(database, keep, LATER)
    foretold, late = foreseen(database, keep, LATER + DAY), prune(database, keep, LATER + DAY)
    rows = everything(database)
    assert (early, late, foretold) == (Pruned(), Pruned(unused_texts=1, vectors=1), late)
    assert (texts(database), rows["vectors"], rows["passages"], len(rows["screenings"])) == ([""], [], [], 1)


def test_a_removed_text_is_not_judged_again_and_its_page_is_still_known(database: Database) -> None:
    revision_id = judged_irrelevant(database)
    prune(database, keeping(unused_text=1), LATER)
    with database.write() as connection:
        other = scores.ensure_run(connection, replace(RUN, version="2"), LATER)
        found = queries.explain(connection, "https://a.example/1")
    assert found
    assert (waiting(database, other), [row["extractor"] for row in found.revisions]) == ([], [REMOVED])
    assert [(row["revision_id"], row["reason"]) for row in found.screenings] == [(revision_id, "off_topic")]


def test_a_removed_text_comes_back_with_its_page_and_is_judged_by_the_next_run(database: Database) -> None:
    revision_id = judged_irrelevant(database)
    text = articles_of(database, revision_id)
    prune(database, keeping(unused_text=1), LATER)
    stored = store_again(database, text, LATER)
    soon = prune(database, keeping(unused_text=1), LATER + DAY / 2)
    with database.write() as connection:
        other = scores.ensure_run(connection, replace(RUN, version="2"), LATER)
    assert (stored.outcome, stored.revision_id, soon) == ("same", revision_id, Pruned())
    assert (articles_of(database, revision_id), waiting(database, other)) == (text, [revision_id])


def articles_of(database: Database, revision_id: int) -> Any:
    with database.read() as connection:
        return articles.load(connection, revision_id)


def test_a_text_that_the_present_run_has_not_judged_stays(database: Database) -> None:
    judged_irrelevant(database)
    with database.write() as connection:
        scores.ensure_run(connection, replace(RUN, version="2"), NOW)
    assert (prune(database, keeping(unused_text=1), LATER), waiting(database, 2)) == (Pruned(), [1])


def test_a_text_that_no_run_has_judged_stays(database: Database) -> None:
    with database.write() as connection:
        add_article(connection, article())
    assert (prune(database, keeping(unused_text=1), LATER), waiting(database)) == (Pruned(), [1])


def test_a_former_text_goes_some_days_after_it_was_replaced(database: Database) -> None:
    with database.write() as connection:
        add_article(connection, article(text="First. Words"))
    store_again(database, article(text="Second. Words"), LATER)
    keep = keeping(former_text=10)
    early, late = prune(database, keep, LATER + 10 * DAY), prune(database, keep, LATER + 11 * DAY)
    assert (early, late, texts(database)) == (Pruned(), Pruned(former_texts=1), ["", "Second. Words"])


def test_an_edit_that_is_taken_back_brings_its_removed_text_back(database: Database) -> None:
    with database.write() as connection:
        add_article(connection, article(text="First. Words"))
    store_again(database, article(text="Second. Words"), NOW + DAY)
    prune(database, keeping(former_text=10), LATER)
    store_again(database, article(text="First. Words"), LATER)
    assert (texts(database), waiting(database)) == (["First. Words", "Second. Words"], [1])


def test_the_fetch_log_is_cut_by_the_day(database: Database) -> None:
    from storage.feeds import log_fetch

    with database.write() as connection:
        for age in (0, 29, 31, 400):
            log_fetch(connection, url="u", what="page", at=LATER - age * DAY, duration_ms=1, outcome="ok")
    gone = prune(database, keeping(fetch_log=30), LATER)
    with database.read() as connection:
        kept = [LATER - at for at in connection.scalars(select(fetches.c.at).order_by(fetches.c.id))]
    assert (gone, kept) == (Pruned(fetches=2), [0 * DAY, 29 * DAY])


def test_vectors_may_go_even_of_a_scored_text_whose_evidence_stays(database: Database) -> None:
    judged = article()
    with database.write() as connection:
        add_article(connection, judged, tone=0.5)
        scores.save_vectors(connection, 1, embedded(judged))
        before = queries.evidence(connection, 1)
    gone = prune(database, keeping(vector=1), LATER)
    with database.read() as connection:
        assert (gone, queries.evidence(connection, 1)) == (Pruned(vectors=1), before)
    assert before


def test_more_rows_than_a_batch_are_all_removed(database: Database) -> None:
    row = {"url": "u", "what": "page", "outcome": "ok"}
    many = 2 * retention.BATCH + 1
    with database.write() as connection:
        connection.execute(insert(fetches), [row | {"at": NOW + timedelta(seconds=n)} for n in range(many)])
    assert (prune(database, keeping(fetch_log=1), LATER), everything(database)["fetches"]) == (Pruned(fetches=many), [])


def test_pruning_stops_between_batches_when_it_is_told_to(database: Database) -> None:
    row = {"url": "u", "what": "page", "outcome": "ok"}
    with database.write() as connection:
        connection.execute(
            insert(fetches), [row | {"at": NOW + timedelta(seconds=n)} for n in range(2 * retention.BATCH)]
        )
    asked = iter([False, True, True, True, True])
    gone = prune(database, keeping(fetch_log=1), LATER, stopped=lambda: next(asked))
    assert gone == Pruned(fetches=retention.BATCH)


def test_a_score_saved_meanwhile_keeps_its_text(database: Database) -> None:
    revision_id = judged_irrelevant(database)
    text = articles_of(database, revision_id)
    pruned: list[Pruned] = []
    pruning = threading.Thread(target=lambda: pruned.append(prune(database, keeping(unused_text=1), LATER)))
    with database.write() as connection:
        second = scores.ensure_run(connection, replace(RUN, version="2"), LATER)
    with database.write() as connection:
        scores.save_screening(connection, revision_id, second, RELEVANT, LATER)
        pruning.start()
        time.sleep(0.5)  # long enough that it waits for this transaction
        scores.save_score(connection, revision_id, second, score(text), LATER)
    pruning.join()
    assert (pruned, articles_of(database, revision_id)) == ([Pruned()], text)


def test_a_score_cannot_be_saved_for_a_text_that_was_removed(database: Database) -> None:
    revision_id = judged_irrelevant(database)
    text = articles_of(database, revision_id)
    prune(database, keeping(unused_text=1), LATER)
    with pytest.raises(StorageError, match="not at"), database.write() as connection:
        scores.save_score(connection, revision_id, 1, score(text), LATER)


# Any rows, any settings

AGES = st.integers(0, 40)
RUN_ROW = {"model": "m", "model_hash": "1", "engine": "e", "codebook": "c", "codebook_hash": "2", "version": "1"}


@st.composite
def revision(draw: Any) -> dict[str, Any]:
    """One text: its age, and for each of two runs None, "no", "relevant" or "scored"."""
    verdicts = st.sampled_from([None, "no", "no", "relevant", "scored"])
    return {
        "age": draw(AGES),
        "verdicts": (draw(verdicts), draw(verdicts)),
        "coded": draw(st.integers(0, 4)) == 0,
        "vectors": draw(st.booleans()),
        "text": draw(st.sampled_from(["Some text", "条約", ""])),
        "dropped": draw(st.booleans()),
    }


class Rows:
    """Rows by table, all inserted at once."""

    def __init__(self) -> None:
        self.of: dict[Table, list[dict[str, Any]]] = {}

    def add(self, table: Table, **row: Any) -> None:
        self.of.setdefault(table, []).append(row)

    def write(self, connection: Connection) -> None:
        """Take the place of all that is there."""
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
        for table in metadata.sorted_tables:
            if table in self.of:
                connection.execute(insert(table), self.of[table])


def rows_for(stories: list[tuple[int, list[dict[str, Any]]]], log: list[int]) -> Rows:
    rows = Rows()
    for n in (1, 2):
        rows.add(runs, **RUN_ROW, id=n, stamp=str(n), heads_hash=str(n), created_at=NOW)
    rows.add(coders, id=1, name="A", created_at=NOW)
    frozen = {"language": "en", "covers_from": NOW, "covers_to": NOW, "quiet": False, "figures": {}, "created_at": NOW}
    rows.add(digests, id=1, edition="daily", day="2024-05-01", run_id=1, **frozen)
    for number, age in enumerate(log):
        rows.add(fetches, url=str(number), what="page", at=LATER - age * DAY, outcome="ok")
    for article_id, (current, history) in enumerate(stories, start=1):
        seen = {"outlet": "o", "language": "en", "first_seen_at": NOW, "revision": current % len(history) + 1}
        rows.add(articles_table, id=article_id, url=f"u{article_id}", **seen)
        for number, made in enumerate(history, start=1):
            add_revision(rows, article_id, number, made)
    return rows


def add_revision(rows: Rows, article_id: int, number: int, made: dict[str, Any]) -> None:
    revision_id, at = 100 * article_id + number, LATER - made["age"] * DAY
    kept = {"title": "T", "text": made["text"], "language": "en", "partial": False, "fetched_at": at}
    rows.add(revisions, id=revision_id, article_id=article_id, number=number, content_hash=str(number), **kept)
    key, span = {"revision_id": revision_id}, {"part": "text", "start_offset": 0, "end_offset": len(made["text"])}
    for run_id, verdict in enumerate(made["verdicts"], start=1):
        if verdict:
            judged = {"relevant": verdict != "no", "value": 0.5, "terms": [], "screened_at": at}
            rows.add(screenings, **key, run_id=run_id, **judged)
        if verdict == "scored":
            add_score(rows, 10 * revision_id + run_id, key | {"run_id": run_id, "scored_at": at}, span)
    if made["coded"]:
        rows.add(human_codings, **key, **span, coder_id=1, codes=[], coded_at=at)
    if made["vectors"]:
        rows.add(vectors, **key, model="m", dimensions=2, count=1, data=b"1234")
        rows.add(passages, **key, **span, model="m", position=1)
    if made["dropped"]:
        rows.add(drops, **key, url=f"u{revision_id}", stage="screen", reason="off_topic", run_id=1, at=at)


def add_score(rows: Rows, score_id: int, key: dict[str, Any], span: dict[str, Any]) -> None:
    values = dict.fromkeys(("tone", "outlook", "scrutiny"), 0.5) | {"tone_low": 0.1, "tone_high": 0.9, "omitted": []}
    rows.add(scores_table, id=score_id, **key, **values)
    leanings = {"optimistic": 1, "vigilant": 0, "neutral": 0, "family": "optimistic", "voice": "own", "facts": []}
    rows.add(codings, score_id=score_id, position=1, **span, **leanings, text_hash="h")
    rows.add(coding_codes, score_id=score_id, position=1, code="face_value", strength=0.5)
    item = {"edition": str(score_id), "story": 1, "article_id": key["revision_id"] // 100}
    rows.add(digest_items, digest_id=1, position=score_id, score_id=score_id, **item)


STORY = st.tuples(st.integers(0, 3), st.lists(revision(), min_size=1, max_size=4))
DAYS = st.sampled_from([0, 1, 10, 20, 30])


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    stories=st.lists(STORY, max_size=4),
    log=st.lists(AGES, max_size=5),
    keep=st.builds(
        RetentionSettings, fetch_log_days=DAYS, unused_text_days=DAYS, former_text_days=DAYS, vector_days=DAYS
    ),
)
def test_what_a_published_score_rests_on_is_never_removed(
    database: Database, stories: Any, log: list[int], keep: RetentionSettings
) -> None:
    with database.write() as connection:
        rows_for(stories, log).write(connection)
    before = everything(database)
    foretold = foreseen(database, keep, LATER)
    gone = prune(database, keep, LATER)
    after = everything(database)
    again = prune(database, keep, LATER)
    assert (gone, again) == (foretold, Pruned())
    assert counted(before, after) == gone.total
    assert changed(before, after) <= {"fetches", "revisions", "vectors", "passages"}
    for made, was, now in revisions_of(stories, before, after):
        check_text(made, was, now, keep)


def counted(before: dict[str, list[Any]], after: dict[str, list[Any]]) -> int:
    removed = len(set(before["revisions"]) - set(after["revisions"]))
    return removed + sum(len(before[name]) - len(after[name]) for name in ("fetches", "vectors"))


def changed(before: dict[str, list[Any]], after: dict[str, list[Any]]) -> set[str]:
    return {name for name in before if before[name] != after[name]}


def revisions_of(stories: Any, before: Any, after: Any) -> Any:
    names = [column.name for column in revisions.c]
    was, now = ({row[0]: dict(zip(names, row, strict=True)) for row in rows["revisions"]} for rows in (before, after))
    for article_id, (current, history) in enumerate(stories, start=1):
        number_of_current = current % len(history) + 1
        for number, made in enumerate(history, start=1):
            replaced_for = history[number_of_current - 1]["age"] if number != number_of_current else None
            revision_id = 100 * article_id + number
            yield made | {"replaced": replaced_for}, was[revision_id], now[revision_id]


def check_text(made: dict[str, Any], was: dict[str, Any], now: dict[str, Any], keep: RetentionSettings) -> None:
    """A text is whole, or it was old, nothing rests on it, and it is marked."""
    if now == was:
        return
    assert now == was | {"text": "", "extractor": REMOVED}
    assert {"scored", "relevant"}.isdisjoint(made["verdicts"])
    assert not made["coded"]
    unused = 0 < keep.unused_text_days < made["age"] and made["verdicts"][1] == "no"
    replaced = made["replaced"] is not None and 0 < keep.former_text_days < min(made["age"], made["replaced"])
    assert unused or replaced
