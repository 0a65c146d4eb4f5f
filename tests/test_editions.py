"""When digests are due, that each is made and kept once, and the digest by command."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import select

from pipeline.mail import editions
from pipeline.mail.post import Post, keep, prepared
from pipeline.report.digest.making import Made
from storage import articles, digests, outbox, queries, recipients, scores
from storage.database import Database, open_database
from storage.schema import digest_items
from tests.newsroom import (
    DAY,
    START,
    add,
    add_list,
    made_of,
    quiet_database,
    settings_with,
    wanted,
)
from tests.postbox import postbox
from tests.samples import HOUR, RELEVANT, RUN, add_feed, article, score
from tests.test_cli import treatywatch


@pytest.fixture
def clock() -> Hand:
    return Hand()


class Hand:
    """A clock that stands where a test sets it."""

    now = START

    def __call__(self) -> datetime:
        return self.now


def days_of(database: Database) -> list[str]:
    with database.read() as connection:
        return [one.day for one in digests.digests(connection)]


@pytest.mark.parametrize(
    "zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Tokyo", "Africa/Casablanca"]
)
@pytest.mark.parametrize("at", ["02:30", "00:00", "23:45"])
def test_F58_each_local_day_of_a_year_has_one_digest_whatever_clocks_do(zone: str, at: str) -> None:
    readers = wanted(zone=zone, send_at=at)
    days = [date(2026, 1, 1) + n * DAY for n in range(366)]
    moments = [editions.moment(readers, day) for day in days]
    assert all(HOUR * 22 < later - earlier < HOUR * 26 for earlier, later in pairwise(moments))
    assert [editions.last_day(readers, moment) for moment in moments] == days
    assert [editions.last_day(readers, moment - timedelta(seconds=1)) for moment in moments[1:]] == days[:-1]


def test_F58_a_time_that_clocks_skip_or_show_twice_comes_once(database: Database, clock: Hand) -> None:
    add_list(database, zone="Europe/Berlin", send_at="02:30", empty_days=True)
    post = Post(settings_with(), database, clock)
    for night in (datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2027, 3, 27, 23, tzinfo=UTC)):
        with database.write() as connection:
            connection.exec_driver_sql("DELETE FROM digests")
        clock.now = night
        made = []
        for _ in range(6 * 6):
            clock.now += timedelta(minutes=10)
            made += post.make_due()
        with database.read() as connection:
            found = digests.digests(connection)
        assert len(made) == len(found) <= 2
        assert len({one.day for one in found}) == len(found)
        assert found[0].day == (night + HOUR * 6).date().isoformat()


def test_F59_after_days_off_there_is_one_digest_for_all_of_them_and_nothing_twice(
    database: Database, clock: Hand
) -> None:
    add_list(database)
    post = Post(settings_with(), database, clock)
    told: list[list[int]] = []
    for number, (at, looked) in enumerate([(0, True), (24, False), (48, False), (72, False), (96, True), (120, True)]):
        add(database, number, START + at * HOUR)
        clock.now = START + (at + 2) * HOUR
        if looked:
            assert len(post.make_due()) == 1
            assert post.make_due() == []
    with database.read() as connection:
        for line in reversed(digests.digests(connection)):
            told.append([item.article_id for item in digests.items(connection, line.id)])
        days = [one.day for one in digests.digests(connection)]
        late = digests.digest(connection, 2)
    assert told == [[1], [2, 3, 4, 5], [6]]
    assert days == ["2026-11-29", "2026-11-28", "2026-11-24"]
    assert late
    assert "3 days were missed and are made up for here" in late.plain


def test_F59_a_clock_that_jumps_ahead_and_back_tells_nothing_twice_and_goes_on(database: Database, clock: Hand) -> None:
    add_list(database)
    post = Post(settings_with(), database, clock)
    for number, at in enumerate(
        [START + 2 * HOUR, START + 4000 * DAY, START + DAY + 2 * HOUR, START + 2 * DAY + 2 * HOUR]
    ):
        add(database, number, min(at, START + 2 * DAY))
        clock.now = at
        assert len(post.make_due()) == 1, at
        clock.now -= HOUR
        assert post.make_due() == []
    with database.read() as connection:
        told = [item.article_id for line in digests.digests(connection) for item in digests.items(connection, line.id)]
    assert sorted(told) == [1, 2, 3, 4]


def test_weekdays_are_kept_and_a_monday_covers_the_weekend(database: Database, clock: Hand) -> None:
    add_list(database, weekdays=[0, 1, 2, 3, 4])
    post = Post(settings_with(), database, clock)
    for day in range(7):
        clock.now = START + day * DAY + 2 * HOUR
        add(database, day, clock.now - HOUR)
        post.make_due()
    assert days_of(database) == [
        "2026-11-30", "2026-11-27", "2026-11-26", "2026-11-25", "2026-11-24",
    ]  # fmt: skip
    with database.read() as connection:
        assert len(digests.items(connection, 5)) == 3
        monday = digests.digest(connection, 5)
    assert monday
    assert "missed" not in monday.plain


def test_a_list_that_was_made_after_todays_time_waits_for_tomorrow(database: Database, clock: Hand) -> None:
    with database.write() as connection:
        given = {"language": "en", "zone": "UTC", "send_at": "07:00", "weekdays": range(7), "empty_days": True}
        recipients.schedule(connection, "daily", given, START + 3 * HOUR)
    post = Post(settings_with(), database, clock)
    clock.now = START + 4 * HOUR
    assert post.make_due() == []
    clock.now = START + DAY + 2 * HOUR
    assert len(post.make_due()) == 1


def test_F62_nothing_is_sent_when_nothing_is_new_unless_asked_for(database: Database, clock: Hand) -> None:
    add_list(database)
    add_list(database, "every-day", empty_days=True)
    post = Post(settings_with("mail.host=127.0.0.1"), database, clock)
    quiet_database(database)
    clock.now = START + 2 * HOUR
    assert len(post.make_due()) == 2
    assert post.make_due() == []
    with database.read() as connection:
        assert [one.recipient for one in outbox.messages(connection)] == ["reader@example.net"]
        (shown,) = digests.digests(connection)
        quiet = digests.digest_on(connection, "daily", START.date())
    assert (shown.edition, shown.subject) == ("every-day", "Nothing new on the talks – Nov 24")
    assert quiet
    assert quiet.quiet


def test_an_alarm_that_is_new_is_news(database: Database, clock: Hand) -> None:
    add_list(database)
    with database.write() as connection:
        add_feed(connection)
    clock.now = START + 2 * HOUR
    post = Post(settings_with(), database, clock)
    with database.write() as connection:
        connection.exec_driver_sql(f"UPDATE feeds SET state_since = '{(START - 3 * HOUR).isoformat()[:19]}.000000Z'")
    assert len(post.make_due()) == 1
    with database.read() as connection:
        (line,) = digests.digests(connection)
    assert line.subject == "Nothing new, but 1 alarm – Nov 24"


def test_F60_digest_items_and_mails_are_there_together_or_not_at_all(database: Database, clock: Hand) -> None:
    readers = add_list(database)
    add(database, 1, START)
    settings = settings_with("mail.host=127.0.0.1")
    with database.read() as connection:
        made = prepared(connection, settings, editions.edition(connection, readers, START.date(), START + HOUR), START)
    broken = Made(row=made.row, items=[*made.items, *made.items], quiet=False)  # an article twice: the database refuses
    with pytest.raises(Exception, match=r"."):
        keep(settings, database, readers, broken, START)
    with database.read() as connection:
        assert (digests.digests(connection), outbox.messages(connection)) == ((), ())
    assert keep(settings, database, readers, made, START)
    assert keep(settings, database, readers, made, START) is None
    with database.read() as connection:
        assert outbox.counts(connection)["pending"] == 1


def test_processes_that_look_at_once_make_one_digest(database: Database, clock: Hand) -> None:
    add_list(database)
    add(database, 1, START)
    clock.now = START + 2 * HOUR
    made: list[list[int]] = []
    threads = [
        threading.Thread(target=lambda: made.append(Post(settings_with(), database, clock).make_due()))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(len, made)) == [0, 0, 0, 1]


def test_two_lists_are_told_the_same_each_in_its_language(database: Database, clock: Hand) -> None:
    add_list(database, "tokyo", language="ja", zone="Asia/Tokyo")
    add_list(database, "london", zone="Europe/London")
    add(database, 1, START - 12 * HOUR)
    clock.now = START + 2 * HOUR
    assert len(Post(settings_with(), database, clock).make_due()) == 2
    with database.read() as connection:
        found = [digests.digest(connection, line.id) for line in digests.digests(connection)]
    assert {one.edition: (one.language, len(one.figures["stories"])) for one in found if one} == {
        "tokyo": ("ja", 1), "london": ("en", 1),
    }  # fmt: skip


def test_a_digest_stays_as_it_was_when_scores_change(database: Database, clock: Hand) -> None:
    add_list(database)
    add(database, 1, START, tone=0.8)
    clock.now = START + 2 * HOUR
    (digest_id,) = Post(settings_with(), database, clock).make_due()
    with database.read() as connection:
        before = digests.digest(connection, digest_id)
    with database.write() as connection:
        from dataclasses import replace

        run_id = scores.ensure_run(connection, replace(RUN, heads_hash="9"), START + 3 * HOUR)
        one = article("https://a.example/1")
        scores.save_screening(connection, 1, run_id, RELEVANT, START + 3 * HOUR)
        scores.save_score(connection, 1, run_id, score(articles.load(connection, 1), -0.9), START + 3 * HOUR)
        assert one.url
    clock.now = START + 2 * DAY
    assert Post(settings_with(), database, clock).make_due()  # quiet, or for an alarm
    with database.read() as connection:
        assert digests.digest(connection, digest_id) == before
        told = connection.execute(select(digest_items.c.article_id)).all()
        assert queries.coverage(connection).rows[0].tone == -0.9
    assert told == [(1,)]


def test_figures_are_kept_as_json_and_say_what_the_text_says(database: Database) -> None:
    add(database, 1, START, tone=0.8)
    made = made_of(database)
    figures = json.loads(json.dumps(made.row["figures"], allow_nan=False))
    assert figures["stories"][0]["tone"] == 0.8
    assert figures["day"] == "2026-11-24"
    assert asdict(made.unkept())["figures"] == figures


@pytest.fixture
def told(tmp_path: Path) -> tuple[Path, list[str]]:
    """A database with an article of the last hour, and the flags that lead to it."""
    url = f"sqlite:///{tmp_path / 'c.db'}"
    database = open_database(url)
    add(database, 1, datetime.now(UTC) - timedelta(seconds=1))
    database.close()
    return tmp_path, ["--set", f"storage.url={url}"]


def test_the_command_shows_and_writes_a_digest(told: tuple[Path, list[str]]) -> None:
    folder, flags = told
    shown = treatywatch(*flags, "digest", home=folder)
    written = treatywatch(*flags, "digest", "--language", "ja", "--output", str(folder / "d.html"), home=folder)
    mailed = treatywatch(*flags, "digest", "--output", str(folder / "d.eml"), home=folder)
    assert ("Headline 1" in shown.stdout, shown.returncode) == (True, 0), shown.stderr
    assert (str(folder / "d.html") in written.stderr, "Headline 1" in (folder / "d.html").read_text()) == (True, True)
    assert (mailed.returncode, b"Auto-Submitted" in (folder / "d.eml").read_bytes()) == (0, True)
    assert treatywatch(*flags, "digest", "--output", "d.pdf", home=folder).returncode == 2
    assert treatywatch(*flags, "digest", "--send", home=folder).returncode == 2


def test_lists_are_kept_and_a_digest_sent_by_command(told: tuple[Path, list[str]]) -> None:
    folder, flags = told
    with postbox() as box:
        flags += ["--set", "mail.host=127.0.0.1", "--set", f"mail.port={box.port}", "--set", "mail.security=none"]
        flags += ["--set", "mail.sender=watch@example.org"]
        box.refuse["b@example.net"] = "550 no"
        assert treatywatch(*flags, "recipients", "add", "a@example.net", "b@example.net", home=folder).returncode == 0
        assert treatywatch(*flags, "recipients", "add", "nonsense", home=folder).returncode == 1
        scheduled = treatywatch(
            *flags, "recipients", "schedule", "daily", "--at", "06:15", "--days", "mon,fri", home=folder
        )
        assert "mon fri at 06:15 UTC" in scheduled.stderr
        sent = treatywatch(*flags, "digest", "--list", "daily", "--send", home=folder)
        again = treatywatch(*flags, "digest", "--list", "daily", "--send", home=folder)
        waiting = json.loads(treatywatch(*flags, "digest", "outbox", "--json", home=folder).stdout)
        resent = treatywatch(*flags, "digest", "outbox", "--resend", str(waiting[0]["id"]), home=folder)
        listed = json.loads(treatywatch(*flags, "recipients", "list", "--json", home=folder).stdout)
        assert treatywatch(*flags, "recipients", "remove", "a@example.net", home=folder).returncode == 0
    assert ("1 failed, 1 sent" in sent.stderr, "1 failed, 1 sent" in again.stderr) == (True, True), sent.stderr
    assert (box.to, resent.returncode) == (["a@example.net"], 0)
    assert [one["recipient"] for one in waiting] == ["b@example.net"]
    assert [one["address"] for one in listed["recipients"]] == ["a@example.net", "b@example.net"]
