"""Feeds: the list, due times, states, moves and the fetch log."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from storage import articles, feeds
from storage.database import Database
from storage.schema import entries, feed_moves, fetches
from storage.schema import feeds as table
from tests.samples import HOUR, NOW, add_feed, entry, everything, source

A, B, C = (f"https://{name}.example/feed" for name in "abc")


def rows(database: Database, *columns: str) -> list[tuple[Any, ...]]:
    with database.read() as connection:
        found = connection.execute(select(*(table.c[name] for name in columns)).order_by(table.c.id))
        return [tuple(row) for row in found]


def sync(database: Database, *urls: str, **changes: Any) -> feeds.Synced:
    with database.write() as connection:
        return feeds.sync(connection, [source(url, **changes) for url in urls], NOW)


def due(database: Database, after: timedelta = timedelta(0), **options: Any) -> list[str]:
    with database.read() as connection:
        return [stored.feed.url for stored in feeds.due(connection, NOW + after, **options)]


def test_sync_adds_changes_and_stops_feeds(database: Database) -> None:
    first = sync(database, A, B)
    second = sync(database, B, C, outlet="Sankei")
    assert (first, second) == (
        feeds.Synced(added=2, changed=0, stopped=0),
        feeds.Synced(added=1, changed=1, stopped=1),
    )
    assert rows(database, "url", "outlet", "active") == [
        (A, "Asahi", False),
        (B, "Sankei", True),
        (C, "Sankei", True),
    ]


def test_sync_twice_changes_nothing(database: Database) -> None:
    sync(database, A, B)
    before = everything(database)
    assert (sync(database, A, B), everything(database)) == (feeds.Synced(added=0, changed=0, stopped=0), before)


def test_a_feed_that_is_listed_again_keeps_its_history(database: Database) -> None:
    sync(database, A)
    with database.write() as connection:
        feeds.fetched(connection, 1, now=NOW, due_at=NOW + HOUR, etag='"1"', new=1)
    sync(database, B)
    stopped = due(database, HOUR)
    sync(database, A, B)
    assert (stopped, rows(database, "url", "etag", "active")[0]) == ([B], (A, '"1"', True))


def test_a_new_feed_is_due_at_once_and_the_longest_overdue_first(database: Database) -> None:
    sync(database, A, B, C)
    with database.write() as connection:
        feeds.unchanged(connection, 1, now=NOW, due_at=NOW + 3 * HOUR)
        feeds.unchanged(connection, 2, now=NOW, due_at=NOW + HOUR)
    assert [due(database), due(database, HOUR), due(database, 3 * HOUR), due(database, HOUR, limit=1)] == [
        [C],
        [C, B],
        [C, B, A],
        [C],
    ]


def test_a_feed_asked_for_by_its_url_need_not_be_due(database: Database) -> None:
    sync(database, A, B)
    with database.write() as connection:
        feeds.unchanged(connection, 1, now=NOW, due_at=NOW + HOUR)
    assert [due(database, url=A), due(database, url=C)] == [[A], []]


def test_a_stored_feed_is_the_record_that_was_kept(database: Database) -> None:
    sync(database, A)
    with database.write() as connection:
        feeds.fetched(connection, 1, now=NOW, due_at=NOW + HOUR, etag="e", last_modified="l", body_hash="h", title="T")
        found = feeds.due(connection, NOW + HOUR)[0].feed
    assert (found.url, found.outlet, found.country, found.etag, found.last_modified, found.body_hash, found.due_at) == (
        A,
        "Asahi",
        "JP",
        "e",
        "l",
        "h",
        NOW + HOUR,
    )


def test_F20_failures_are_counted_kept_visible_and_mended_by_the_first_success(database: Database) -> None:
    sync(database, A)
    seen = []
    with database.write() as connection:
        for hour in range(3):
            now = NOW + hour * HOUR
            feeds.failed(connection, 1, reason="timeout", detail="30 s", due_at=now + HOUR, now=now)
    seen += rows(database, "state", "state_since", "reason", "failures")
    with database.write() as connection:
        feeds.failed(connection, 1, reason="gone", detail="410", due_at=NOW + 4 * HOUR, now=NOW + 3 * HOUR)
    seen += rows(database, "state", "state_since", "reason", "failures")
    with database.write() as connection:
        feeds.fetched(connection, 1, now=NOW + 4 * HOUR, due_at=NOW + 5 * HOUR)
    seen += rows(database, "state", "state_since", "reason", "failures")
    assert seen == [
        ("failing", NOW, "timeout", 3),
        ("gone", NOW + 3 * HOUR, "gone", 4),
        ("ok", NOW + 4 * HOUR, "", 0),
    ]


def test_the_same_failure_reported_twice_counts_once(database: Database) -> None:
    sync(database, A)
    for _ in range(2):
        with database.write() as connection:
            feeds.failed(connection, 1, reason="dns", detail="", due_at=NOW + HOUR, now=NOW)
    assert rows(database, "failures") == [(1,)]


def test_F59_a_clock_that_jumps_back_stops_no_counting(database: Database) -> None:
    sync(database, A)
    with database.write() as connection:
        for now in (NOW, NOW - 9 * HOUR):
            feeds.failed(connection, 1, reason="dns", detail="", due_at=now + HOUR, now=now)
    assert rows(database, "failures", "due_at") == [(2, NOW - 8 * HOUR)]


def test_F21_a_failure_keeps_validators_and_entries(database: Database) -> None:
    sync(database, A)
    with database.write() as connection:
        articles.add_entries(connection, 1, [entry()], NOW)
        feeds.fetched(connection, 1, now=NOW, due_at=NOW, etag="e", body_hash="h", new=1)
        feeds.failed(connection, 1, reason="not_a_feed", detail="", due_at=NOW, now=NOW + HOUR)
        kept = len(connection.execute(entries.select()).all())
    assert (rows(database, "etag", "body_hash"), kept) == ([("e", "h")], 1)


def test_F32_a_degraded_feed_keeps_no_validators(database: Database) -> None:
    sync(database, A)
    with database.write() as connection:
        feeds.fetched(connection, 1, now=NOW, due_at=NOW, etag="e", body_hash="h")
        feeds.fetched(connection, 1, now=NOW + HOUR, due_at=NOW, state="degraded", reason="cut")
    assert rows(database, "etag", "body_hash", "state", "reason") == [(None, None, "degraded", "cut")]


def test_an_unchanged_feed_stays_as_it_was_unless_it_was_failing(database: Database) -> None:
    sync(database, A, B)
    with database.write() as connection:
        feeds.fetched(connection, 1, now=NOW, due_at=NOW, state="degraded", reason="cut")
        feeds.failed(connection, 2, reason="dns", detail="", due_at=NOW, now=NOW)
        for feed_id in (1, 2):
            feeds.unchanged(connection, feed_id, now=NOW + HOUR, due_at=NOW)
    assert rows(database, "state", "reason", "failures", "state_since") == [
        ("degraded", "cut", 0, NOW),
        ("ok", "", 0, NOW + HOUR),
    ]


def test_the_last_new_entry_is_remembered(database: Database) -> None:
    sync(database, A)
    with database.write() as connection:
        feeds.fetched(connection, 1, now=NOW, due_at=NOW, new=3, title="T")
        feeds.fetched(connection, 1, now=NOW + HOUR, due_at=NOW, new=0)
        feeds.unchanged(connection, 1, now=NOW + 2 * HOUR, due_at=NOW, state="quiet")
    assert rows(database, "last_new_at", "last_success_at", "title", "state") == [(NOW, NOW + 2 * HOUR, "T", "quiet")]


def test_F8_a_moved_feed_keeps_its_id_and_is_found_by_its_old_url(database: Database) -> None:
    sync(database, A)
    with database.write() as connection:
        home = feeds.moved(connection, 1, B, NOW)
        again = feeds.moved(connection, 1, B, NOW)
    synced = sync(database, A)
    assert (home, again, synced, rows(database, "url", "active"), due(database, url=A)) == (
        1,
        1,
        feeds.Synced(added=0, changed=0, stopped=0),
        [(B, True)],
        [B],
    )


def test_F8_a_feed_that_moves_onto_another_becomes_one_with_it(database: Database) -> None:
    sync(database, A, B)
    with database.write() as connection:
        articles.add_entries(connection, 1, [entry("shared"), entry("old")], NOW)
        articles.add_entries(connection, 2, [entry("shared")], NOW)
        homes = [feeds.moved(connection, 1, B, NOW) for _ in range(2)]
        owned = connection.execute(select(entries.c.feed_id, entries.c.key).order_by(entries.c.feed_id, entries.c.key))
        kept = [tuple(row) for row in owned]
        moves = [tuple(row) for row in connection.execute(select(feed_moves.c.feed_id, feed_moves.c.old_url))]
    sync(database, A)
    assert (homes, kept, moves) == ([2, 2], [(1, "shared"), (2, "old"), (2, "shared")], [(2, A)])
    assert rows(database, "url", "active", "state") == [(A, False, "gone"), (B, True, "ok")]


def test_F8_a_feed_that_moves_back_is_still_one_feed(database: Database) -> None:
    sync(database, A)
    with database.write() as connection:
        for home in (B, A, B):
            feeds.moved(connection, 1, home, NOW)
    sync(database, A)
    assert rows(database, "url", "active") == [(B, True)]


def test_F8_merging_back_and_forth_loses_no_feed(database: Database) -> None:
    sync(database, A, B)
    with database.write() as connection:
        first = feeds.moved(connection, 1, B, NOW)
        second = feeds.moved(connection, 2, A, NOW + HOUR)
    sync(database, A, B)
    assert (first, second, rows(database, "url", "active")) == (2, 1, [(A, True), (B, False)])


def test_fetches_are_logged_once(database: Database) -> None:
    add = {"url": A, "what": "feed", "at": NOW, "duration_ms": 12, "outcome": "ok", "status": 200, "size": 9}
    for _ in range(2):
        with database.write() as connection:
            feeds.log_fetch(connection, **add)
    with database.read() as connection:
        found = connection.execute(select(fetches.c.url, fetches.c.outcome, fetches.c.status, fetches.c.bytes)).all()
    assert [tuple(row) for row in found] == [(A, "ok", 200, 9)]


def test_F38_a_url_too_long_for_an_index_is_logged_cut(database: Database) -> None:
    url = A + "".join(chr(0x4E00 + n * 7919 % 20000) for n in range(5000))
    with database.write() as connection:
        feeds.log_fetch(connection, url=url, what="page", at=NOW, duration_ms=0, outcome="timeout")
    with database.read() as connection:
        assert url.startswith(connection.scalars(select(fetches.c.url)).one())


def test_add_feed_of_the_samples_keeps_the_others(database: Database) -> None:
    with database.write() as connection:
        assert [add_feed(connection, source(A)), add_feed(connection, source(B))] == [[1], [2]]
    assert due(database) == [A, B]
