"""Entries and articles: identity, revisions, drops, and what still waits."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, select, update

from pipeline.errors import StorageError
from pipeline.records import Article, Dropped, Entry
from storage import articles, scores
from storage.database import Database
from storage.schema import article_urls, drops, entries, feeds, revisions
from storage.schema import articles as table
from tests.samples import HOUR, IRRELEVANT, NOW, RELEVANT, RUN, add_feed, article, entry, everything, score, source

SECOND = source("https://b.example/feed", outlet="TASS", country="RU", language="ru", kind="state")


def announce(connection: Connection, *announced: Entry, feed_id: int = 1) -> int:
    return articles.add_entries(connection, feed_id, announced, NOW)


def store(connection: Connection, kept: Article, entry_id: int = 1) -> str:
    return articles.store(connection, entry_id, kept, NOW).outcome


def states(connection: Connection) -> list[tuple[Any, ...]]:
    found = select(entries.c.key, entries.c.state, entries.c.reason).order_by(entries.c.id)
    return [tuple(row) for row in connection.execute(found)]


def waiting(connection: Connection, **options: Any) -> list[str]:
    return [stored.entry.guid for stored in articles.pending(connection, NOW, **options)]


def texts(connection: Connection) -> list[tuple[int, str]]:
    found = select(revisions.c.number, revisions.c.text).order_by(revisions.c.article_id, revisions.c.number)
    return [tuple(row) for row in connection.execute(found)]


@pytest.fixture
def ready(database: Database) -> Database:
    """A database with two feeds, of which the first announces one entry."""
    with database.write() as connection:
        add_feed(connection, source(), SECOND)
        announce(connection, entry())
    return database


def test_entries_are_kept_once(ready: Database) -> None:
    before = everything(ready)
    with ready.write() as connection:
        again = announce(connection, entry())
    assert (again, everything(ready)) == (0, before)


def test_an_entry_comes_back_as_it_was_announced(ready: Database) -> None:
    full = entry("g2", "https://a.example/2", author="A", language="ja", updated_at=NOW)
    with ready.write() as connection:
        announce(connection, full)
        stored = articles.pending(connection, NOW)[1]
    assert (stored.entry, stored.url, stored.attempts, stored.feed.outlet) == (full, full.link, 0, "Asahi")


def test_F34_the_first_of_two_entries_with_one_guid_counts(database: Database) -> None:
    with database.write() as connection:
        add_feed(connection)
        new = announce(connection, entry("g", title="first"), entry("g", title="second"))
        assert (new, articles.pending(connection, NOW)[0].entry.title) == (1, "first")


def test_F34_a_story_under_a_new_guid_is_not_fetched_again(ready: Database) -> None:
    with ready.write() as connection:
        store(connection, article())
        announce(connection, entry("other guid"))
        assert (states(connection), waiting(connection)) == ([("g1", "done", ""), ("other guid", "done", "")], [])


def test_F34_a_new_story_under_an_old_guid_becomes_a_new_article(ready: Database) -> None:
    with ready.write() as connection:
        store(connection, article())
        announce(connection, entry(link="https://a.example/new", title="Another story"))
        stored = articles.pending(connection, NOW)[0]
        outcome = store(connection, article(stored.url or "", "Something else."), stored.id)
        assert (outcome, len(texts(connection))) == ("new", 2)


def test_F35_an_edited_entry_waits_for_its_page_again(ready: Database) -> None:
    with ready.write() as connection:
        store(connection, article())
        new = announce(connection, entry(title="Talks go on (updated)"))
        again = waiting(connection)
        outcome = store(connection, article(text="Talks go on. No hope any more."))
        assert (new, again, outcome, [number for number, _ in texts(connection)]) == (0, ["g1"], "revised", [1, 2])


def test_an_entry_that_only_changes_its_date_does_not_wait_again(ready: Database) -> None:
    with ready.write() as connection:
        store(connection, article())
        announce(connection, entry(published_at=NOW, updated_at=NOW))
        assert waiting(connection) == []


def test_F37_thousands_of_entries_are_kept_and_taken_in_turn_with_other_feeds(database: Database) -> None:
    many = [entry(f"g{n}", f"https://a.example/{n}") for n in range(2500)]
    with database.write() as connection:
        add_feed(connection, source(), SECOND)
        new = announce(connection, *many), announce(connection, *many)
        announce(connection, entry("few", "https://b.example/1"), feed_id=2)
        assert (new, waiting(connection, limit=3)) == ((2500, 0), ["g0", "few", "g1"])


def test_F38_links_too_long_for_an_index_are_kept_without_identity(database: Database) -> None:
    link = "https://a.example/" + "".join(chr(97 + n * n % 26) + str(n) for n in range(3000))
    with database.write() as connection:
        add_feed(connection)
        new = announce(connection, entry(link, link)), announce(connection, entry(link, link))
        stored = articles.pending(connection, NOW)[0]
        assert (new, stored.url, stored.entry.link) == ((1, 0), None, link)


def test_F39_unstorable_characters_change_nothing_when_they_come_again(database: Database) -> None:
    dirty = entry("g\x00\ud800", "https://a.example/1", title="T\x00\ud800", summary="\x0b")
    with database.write() as connection:
        add_feed(connection)
        assert [announce(connection, dirty), announce(connection, dirty)] == [1, 0]
        store(connection, article())
        announce(connection, dirty)
        assert waiting(connection) == []


def test_links_are_known_by_their_canonical_form(database: Database) -> None:
    def bare(link: str) -> str:
        return link.split("?")[0]

    with database.write() as connection:
        add_feed(connection, source(), SECOND)
        articles.add_entries(connection, 1, [entry(link="https://a.example/1?utm=x")], NOW, canonical=bare)
        store(connection, article())
        articles.add_entries(connection, 2, [entry(link="https://a.example/1?utm=y")], NOW, canonical=bare)
        assert [state for _, state, _ in states(connection)] == ["done", "done"]


def test_a_page_that_two_feeds_announce_is_fetched_once(ready: Database) -> None:
    with ready.write() as connection:
        announce(connection, entry("g2"), feed_id=2)
        once = waiting(connection)
        store(connection, article())
        assert (once, [state for _, state, _ in states(connection)]) == (["g1"], ["done", "done"])


def test_entries_of_feeds_that_are_not_watched_wait(ready: Database) -> None:
    with ready.write() as connection:
        connection.execute(update(feeds).values(active=False))
        assert (waiting(connection), waiting(connection, feed_id=1)) == ([], ["g1"])


def test_pending_can_be_limited_to_one_feed(ready: Database) -> None:
    with ready.write() as connection:
        announce(connection, entry("g2", "https://b.example/2"), feed_id=2)
        assert (waiting(connection, feed_id=2), waiting(connection, limit=0)) == (["g2"], [])


def test_a_page_that_could_not_be_had_is_tried_again_later(ready: Database) -> None:
    for _ in range(2):
        with ready.write() as connection:
            articles.retry_later(connection, 1, NOW + HOUR, "timeout")
    with ready.read() as connection:
        later = articles.pending(connection, NOW + HOUR)
        assert (waiting(connection), [stored.attempts for stored in later]) == ([], [1])


def test_storing_twice_changes_nothing(ready: Database) -> None:
    with ready.write() as connection:
        first = articles.store(connection, 1, article(), NOW)
    before = everything(ready)
    with ready.write() as connection:
        second = articles.store(connection, 1, article(), NOW + HOUR)
    assert (first.outcome, second, everything(ready)) == ("new", replace(first, outcome="same"), before)


def test_an_article_comes_back_as_it_was_stored(ready: Database) -> None:
    kept = article(byline="A. Writer", partial=True, text="平和条約 😀")
    with ready.write() as connection:
        stored = articles.store(connection, 1, kept, NOW)
    with ready.read() as connection:
        assert articles.load(connection, stored.revision_id) == kept


def test_an_unknown_revision_is_an_error(database: Database) -> None:
    with pytest.raises(StorageError, match="77"), database.read() as connection:
        articles.load(connection, 77)


def test_country_and_kind_are_those_of_the_feed(ready: Database) -> None:
    with ready.write() as connection:
        store(connection, article())
        row = connection.execute(select(table.c.country, table.c.kind, table.c.first_seen_at)).one()
    assert tuple(row) == ("JP", "national", NOW)


def test_the_same_text_of_an_outlet_at_another_url_is_the_same_article(ready: Database) -> None:
    with ready.write() as connection:
        first = articles.store(connection, 1, article(), NOW)
        announce(connection, entry("g2", "https://a.example/other"))
        second = articles.store(connection, 2, article("https://a.example/other"), NOW)
        urls = sorted(connection.scalars(select(article_urls.c.url)))
    assert (second, urls) == (replace(first, outcome="same"), ["https://a.example/1", "https://a.example/other"])


def test_the_same_text_of_another_outlet_is_another_article(ready: Database) -> None:
    with ready.write() as connection:
        store(connection, article())
        announce(connection, entry("g2", "https://b.example/1"), feed_id=2)
        assert store(connection, article("https://b.example/1", outlet="TASS"), 2) == "new"


def test_F35_a_text_that_comes_back_is_no_new_revision(ready: Database) -> None:
    one, two = article(text="One."), article(text="Two.")
    with ready.write() as connection:
        outcomes = [store(connection, each) for each in (one, two, one, two)]
        assert (outcomes, texts(connection)) == (["new", "revised", "same", "same"], [(1, "One."), (2, "Two.")])


def test_F35_an_edit_that_is_taken_back_makes_the_former_text_current(ready: Database) -> None:
    one, two = article(text="One."), article(text="Two.")
    with ready.write() as connection:
        for each in (one, two, one):
            store(connection, each)
        current = connection.scalars(select(table.c.revision)).all()
        store(connection, article(text="Three."))
        latest = connection.scalars(select(table.c.revision)).all()
    assert (current, latest) == ([1], [3])


def test_F35_an_article_keeps_no_more_than_24_texts(ready: Database) -> None:
    with ready.write() as connection:
        outcomes = [store(connection, article(text=f"Edition {n}.")) for n in range(30)]
        assert (outcomes.count("revised"), outcomes.count("same"), len(texts(connection))) == (23, 6, 24)


def test_a_summary_never_takes_the_place_of_a_whole_text(ready: Database) -> None:
    with ready.write() as connection:
        outcomes = [
            store(connection, article(text="In short.", partial=True)),
            store(connection, article(text="At length.")),
            store(connection, article(text="Shorter.", partial=True)),
        ]
    assert outcomes == ["new", "revised", "same"]


def test_an_article_without_a_url_is_refused(ready: Database) -> None:
    with pytest.raises(StorageError) as caught, ready.write() as connection:
        store(connection, article(""))
    assert caught.value.reason == "refused"


def test_a_drop_is_remembered_once_for_each_url_stage_and_text(ready: Database) -> None:
    dropped = Dropped(url="https://a.example/1", stage="extract", reason="no_text", detail="empty")
    for now in (NOW, NOW + HOUR):
        with ready.write() as connection:
            articles.drop(connection, dropped, entry_id=1, now=now)
            articles.drop(connection, replace(dropped, reason="not_html"), entry_id=None, now=now)
    with ready.read() as connection:
        kept = [tuple(row) for row in connection.execute(select(drops.c.reason, drops.c.at))]
        assert (kept, states(connection)) == ([("no_text", NOW)], [("g1", "dropped", "no_text")])


def test_a_rejected_page_stays_rejected_whoever_announces_it(ready: Database) -> None:
    with ready.write() as connection:
        announce(connection, entry("g2"), feed_id=2)
        articles.drop(connection, Dropped(url="u", stage="extract", reason="no_text"), entry_id=1, now=NOW)
        announce(connection, entry("g3"), feed_id=2)
        announce(connection, entry(title="Edited"))
        assert (states(connection), waiting(connection)) == (
            [("g1", "dropped", "no_text"), ("g2", "dropped", "no_text"), ("g3", "dropped", "no_text")],
            [],
        )


def test_an_irrelevant_text_stays_irrelevant_but_an_edited_one_is_judged_anew(ready: Database) -> None:
    with ready.write() as connection:
        run_id = scores.ensure_run(connection, RUN, NOW)
        first = articles.store(connection, 1, article(), NOW)
        scores.save_screening(connection, first.revision_id, run_id, IRRELEVANT, NOW)
        dropped = Dropped(url="https://a.example/1", stage="screen", reason="off_topic")
        articles.drop(connection, dropped, revision_id=first.revision_id, run_id=run_id, now=NOW)
        same = articles.unscored(connection, run_id)
        second = articles.store(connection, 1, article(text="Now about the treaty."), NOW)
        articles.drop(connection, dropped, revision_id=second.revision_id, run_id=run_id, now=NOW)
        edited = articles.unscored(connection, run_id)
        count = len(connection.execute(drops.select()).all())
    assert (same, [stored.revision_id for stored in edited], count) == ([], [second.revision_id], 2)


def test_F65_a_relevant_text_without_a_score_is_still_to_be_judged(ready: Database) -> None:
    with ready.write() as connection:
        run_id = scores.ensure_run(connection, RUN, NOW)
        stored = articles.store(connection, 1, article(), NOW)
        scores.save_screening(connection, stored.revision_id, run_id, RELEVANT, NOW)
        before = [one.article for one in articles.unscored(connection, run_id)]
        scores.save_score(connection, stored.revision_id, run_id, score(article()), NOW)
        assert (before, articles.unscored(connection, run_id)) == ([article()], [])


def test_another_run_judges_every_current_text_in_pages(ready: Database) -> None:
    with ready.write() as connection:
        for text in ("One.", "Two."):
            articles.store(connection, 1, article(text=text), NOW)
        announce(connection, entry("g2", "https://a.example/2"))
        articles.store(connection, 2, article("https://a.example/2", "Three."), NOW)
        run_id = scores.ensure_run(connection, RUN, NOW)
        first = articles.unscored(connection, run_id, limit=1)
        rest = articles.unscored(connection, run_id, after_id=first[0].revision_id)
    assert [one.article.text for one in (*first, *rest)] == ["Two.", "Three."]


def test_F64_two_that_store_the_same_page_at_once_leave_the_rows_of_one(ready: Database) -> None:
    outcomes: list[str] = []

    def work(text: str) -> None:
        for _ in range(5):
            with ready.write() as connection:
                outcomes.append(store(connection, article(text=text)))

    threads = [threading.Thread(target=work, args=(text,)) for text in ("One.", "Two.", "One.", "Two.")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with ready.read() as connection:
        numbers = [number for number, _ in texts(connection)]
    assert (sorted(set(outcomes)), outcomes.count("new"), numbers) == (["new", "revised", "same"], 1, [1, 2])


def test_F51_entries_and_validators_are_stored_together_or_not_at_all(ready: Database) -> None:
    before = everything(ready)
    with pytest.raises(KeyboardInterrupt), ready.write() as connection:
        announce(connection, entry("g2", "https://a.example/2"))
        connection.execute(update(feeds).values(etag="new"))
        raise KeyboardInterrupt
    assert everything(ready) == before
