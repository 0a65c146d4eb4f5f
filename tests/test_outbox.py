"""The outbox against a real mail server: what is sent, tried again, given up, or left in doubt."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest

from pipeline.mail.courier import MailError
from pipeline.mail.sending import FIRST_PAUSE, LONGEST_PAUSE, pause, send_due
from storage import digests, outbox, recipients
from storage.database import Database
from storage.outbox import Message
from tests.postbox import Postbox, mail_settings, postbox
from tests.samples import Clock

EVERY_DAY = {"language": "en", "zone": "UTC", "send_at": "07:00", "weekdays": range(7), "empty_days": False}
LEASE = timedelta(minutes=5)


@pytest.fixture
def box() -> Iterator[Postbox]:
    with postbox() as found:
        yield found


@pytest.fixture
def clock() -> Clock:
    return Clock()


def posted(database: Database, clock: Clock, *names: str, day: str = "2026-11-24") -> int:
    """A digest in the outbox for recipients with these names."""
    frozen = {"edition": "daily", "day": day, "language": "en", "subject": f"Digest of {day}", "html": "<p>x</p>"}
    covers = {"covers_from": clock.now, "covers_to": clock.now, "quiet": False, "figures": {}, "created_at": clock.now}
    with database.write() as connection:
        recipients.schedule(connection, "daily", EVERY_DAY, clock.now)
        for name in names:
            recipients.add(connection, "daily", f"{name}@example.net", clock.now)
        digest_id = digests.keep(connection, frozen | covers | {"plain": "x\n"}, [])
        assert digest_id is not None
        to = recipients.on_list(connection, "daily", left_too=False)
        outbox.post(connection, digest_id, to, "example.org", clock.now)
    return digest_id


def states(database: Database) -> dict[str, str]:
    return {one.recipient.partition("@")[0]: one.state for one in found(database)}


def found(database: Database) -> tuple[Message, ...]:
    with database.read() as connection:
        return outbox.messages(connection, limit=10_000)


def claimed(database: Database, clock: Clock) -> Message | None:
    with database.write() as connection:
        return outbox.claim(connection, clock.now, LEASE)


def test_each_recipient_gets_one_mail_of_their_own(database: Database, box: Postbox, clock: Clock) -> None:
    posted(database, clock, "anna", "boris", "chieko")
    settings = mail_settings(box.port)
    assert send_due(settings, database, clock) == {"sent": 3}
    assert send_due(settings, database, clock) == {}
    assert sorted(box.to) == sorted(mail["To"] for mail in box.parsed()) == [
        "anna@example.net", "boris@example.net", "chieko@example.net",
    ]  # fmt: skip
    assert len({mail["Message-ID"] for mail in box.parsed()}) == 3
    assert len({mail["List-Unsubscribe"] for mail in box.parsed()}) == 3
    assert {one.token for one in found(database)} == {""}  # what opens the way out is in the mails alone


def test_F60_what_the_server_refuses_for_good_fails_alone(database: Database, box: Postbox, clock: Clock) -> None:
    names = [f"r{n}" for n in range(10)]
    posted(database, clock, *names)
    box.refuse["r4@example.net"] = "550 5.1.1 no such user here"
    assert send_due(mail_settings(box.port), database, clock) == {"sent": 9, "refused": 1}
    assert {name for name, state in states(database).items() if state == "failed"} == {"r4"}
    assert next(one.reason for one in found(database) if one.state == "failed") == "550 5.1.1 no such user here"
    clock.later(days=1)
    assert send_due(mail_settings(box.port), database, clock) == {}


def test_F60_a_greylisted_mail_is_tried_again_under_the_same_name(
    database: Database, box: Postbox, clock: Clock
) -> None:
    posted(database, clock, "anna", "boris")
    box.greylist.add("anna@example.net")
    settings = mail_settings(box.port)
    before = {one.recipient: one.message_id for one in found(database)}
    assert send_due(settings, database, clock) == {"later": 1, "sent": 1}
    assert states(database) == {"anna": "pending", "boris": "sent"}
    assert send_due(settings, database, clock) == {}  # not at once
    clock.later(minutes=2)
    assert send_due(settings, database, clock) == {"sent": 1}
    assert {mail["To"]: mail["Message-ID"] for mail in box.parsed()} == before
    assert box.tries == {"anna@example.net": 2, "boris@example.net": 1}


@pytest.mark.parametrize("answer", ["452 mailbox full", "421 too busy"])
def test_F60_what_is_put_off_for_days_is_given_up(database: Database, box: Postbox, clock: Clock, answer: str) -> None:
    posted(database, clock, "anna")
    box.refuse["anna@example.net"] = answer
    tries = 0
    while states(database)["anna"] == "pending":
        tries += sum(send_due(mail_settings(box.port), database, clock).values())
        clock.later(hours=2)
    assert states(database) == {"anna": "failed"}
    assert 30 < tries < 40  # every two hours for three days
    assert found(database)[0].reason == answer


def test_F60_pauses_double_up_to_an_hour() -> None:
    assert [pause(n) / FIRST_PAUSE for n in (0, 1, 2, 3, 4)] == [1, 1, 2, 4, 8]
    assert pause(7) == pause(10**9) == LONGEST_PAUSE


def test_F60_where_no_server_answers_everything_waits_and_then_arrives(database: Database, clock: Clock) -> None:
    posted(database, clock, "anna", "boris")
    with postbox() as gone:
        pass
    with pytest.raises(MailError) as caught:
        send_due(mail_settings(gone.port), database, clock)
    assert (caught.value.reason, states(database)) == ("connect", {"anna": "pending", "boris": "pending"})
    assert send_due(mail_settings(gone.port), database, clock) == {}  # nothing is due, so nobody is asked
    clock.later(minutes=2)
    with postbox() as back:
        assert send_due(mail_settings(back.port), database, clock) == {"sent": 2}


def test_F60_a_server_that_stays_away_for_days_ends_in_failed(database: Database, clock: Clock) -> None:
    posted(database, clock, "anna")
    with postbox() as gone:
        pass
    for _ in range(40):
        clock.later(hours=2)
        try:
            send_due(mail_settings(gone.port), database, clock)
        except MailError:
            continue
        break
    assert [(one.state, one.reason) for one in found(database)] == [("failed", "connect")]


@pytest.mark.parametrize("place", ["rcpt"])
def test_F60_a_connection_that_breaks_before_the_text_costs_nothing(
    database: Database, box: Postbox, clock: Clock, place: str
) -> None:
    posted(database, clock, "anna", "boris")
    box.drop, box.drops = place, 1
    assert send_due(mail_settings(box.port), database, clock) == {"later": 1, "sent": 1}
    clock.later(minutes=2)
    assert send_due(mail_settings(box.port), database, clock) == {"sent": 1}
    assert sorted(box.to) == ["anna@example.net", "boris@example.net"]


@pytest.mark.parametrize("place", ["data", "end"])
def test_F60_a_connection_that_breaks_after_the_text_leaves_it_in_doubt_and_unsent(
    database: Database, box: Postbox, clock: Clock, place: str
) -> None:
    posted(database, clock, "anna", "boris")
    box.drop, box.drops = place, 1
    assert send_due(mail_settings(box.port), database, clock) == {"unknown": 1, "sent": 1}
    clock.later(days=1)
    assert send_due(mail_settings(box.port), database, clock) == {}
    (doubtful,) = (one for one in found(database) if one.state == "unknown")
    assert doubtful.reason
    with database.write() as connection:
        assert outbox.resend(connection, doubtful.id, clock.now)
        assert not outbox.resend(connection, doubtful.id, clock.now)
    assert send_due(mail_settings(box.port), database, clock) == {"sent": 1}
    again = [mail["Message-ID"] for mail in box.parsed() if mail["To"] == doubtful.recipient]
    assert set(again) == {doubtful.message_id}
    assert len(again) == (2 if place == "end" else 1)


def test_what_a_killed_process_had_in_hand_is_tried_again_or_in_doubt(
    database: Database, box: Postbox, clock: Clock
) -> None:
    posted(database, clock, "anna", "boris")
    first, second = claimed(database, clock), claimed(database, clock)
    assert first
    assert second
    with database.write() as connection:
        assert outbox.handing(connection, second.id, clock.now)
    assert send_due(mail_settings(box.port), database, clock) == {}  # it may still be at it
    clock.later(minutes=6)
    assert send_due(mail_settings(box.port), database, clock) == {"sent": 1}
    assert {one.id: one.state for one in found(database)} == {first.id: "sent", second.id: "unknown"}
    with database.write() as connection:
        assert not outbox.handing(connection, first.id, clock.now)  # the slow process comes too late


def test_two_processes_that_send_at_once_send_each_mail_once(database: Database, box: Postbox, clock: Clock) -> None:
    posted(database, clock, *(f"r{n}" for n in range(12)))
    settings, fates = mail_settings(box.port), []

    def work() -> None:
        fates.append(send_due(settings, database, lambda: clock.now))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(fate["sent"] for fate in fates) == len(fates) * 4 == len(box.to) == len(set(box.to))


def test_a_digest_is_posted_once_however_often(database: Database, clock: Clock) -> None:
    digest_id = posted(database, clock, "anna")
    with database.write() as connection:
        people = recipients.on_list(connection)
        assert outbox.post(connection, digest_id, people, "example.org", clock.now) == 0
        assert outbox.counts(connection)["pending"] == 1


def test_without_a_mail_server_nothing_is_sent(database: Database, clock: Clock) -> None:
    posted(database, clock, "anna")
    assert send_due(mail_settings(25, host=""), database, clock) == {}
    assert states(database) == {"anna": "pending"}


def test_who_left_gets_nothing_that_waits(database: Database, box: Postbox, clock: Clock) -> None:
    posted(database, clock, "anna", "boris")
    with database.write() as connection:
        assert outbox.remove(connection, "daily", "ANNA@EXAMPLE.NET".replace("ANNA", "anna"), clock.now)
        assert not outbox.remove(connection, "daily", "anna@example.net", clock.now)
    assert send_due(mail_settings(box.port), database, clock) == {"sent": 1}
    assert states(database) == {"anna": "failed", "boris": "sent"}
    posted(database, clock, day="2026-11-25")
    assert send_due(mail_settings(box.port), database, clock) == {"sent": 1}
    with database.write() as connection:
        assert recipients.add(connection, "daily", "anna@example.net", clock.now)  # back again


def test_a_stop_ends_sending_between_two_mails(database: Database, box: Postbox, clock: Clock) -> None:
    posted(database, clock, "anna", "boris", "chieko")
    assert send_due(mail_settings(box.port), database, clock, lambda: len(box.mails) == 2) == {"sent": 2}
    assert sorted(states(database).values()) == ["pending", "sent", "sent"]


@pytest.mark.parametrize("address", ["", "a", "@example.org", "a@", "a b@example.org", "a@b\nBcc: c@d", "ä@e.org",
                                     "a@example..org", "<a@example.org>", "a@" + "x" * 300])  # fmt: skip
def test_what_is_no_address_is_refused(database: Database, address: str, clock: Clock) -> None:
    with database.write() as connection:
        recipients.schedule(connection, "daily", EVERY_DAY, clock.now)
    with pytest.raises(Exception, match="no mail address"), database.write() as connection:
        recipients.add(connection, "daily", address, clock.now)


@pytest.mark.parametrize(
    "changes",
    [{"zone": "Mars/Olympus"}, {"send_at": "7:00"}, {"send_at": "24:00"}, {"weekdays": []}, {"weekdays": [7]},
     {"language": "ru"}],
)  # fmt: skip
def test_a_schedule_that_can_not_be_kept_is_refused(database: Database, changes: dict[str, Any], clock: Clock) -> None:
    with pytest.raises(Exception) as caught, database.write() as connection:  # noqa: PT011 - its reason is looked at
        recipients.schedule(connection, "daily", EVERY_DAY | changes, clock.now)
    assert getattr(caught.value, "reason", "") == "bad_list"


def test_a_domain_in_any_script_is_kept_as_mail_servers_know_it(database: Database, clock: Clock) -> None:
    assert recipients.checked("a@例え.JP") == "a@xn--r8jz45g.jp"


def test_F66_a_message_as_shown_keeps_its_token_to_itself(database: Database, clock: Clock) -> None:
    posted(database, clock, "anna")
    (one,) = found(database)
    assert len(one.token) == 24
    assert one.token not in repr(one)
    assert asdict(one)["token"] == one.token


def test_a_lease_is_longer_than_a_delivery_may_take(database: Database, box: Postbox, clock: Clock) -> None:
    posted(database, clock, "anna")
    assert claimed(database, clock)
    clock.later(minutes=4)
    assert send_due(mail_settings(box.port), database, clock) == {}
