"""Webhooks: each alarm told once, to a real server on this machine, through the guarded fetch."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select, update
from structlog.testing import capture_logs

from config.invalid import InvalidSettings
from config.settings import Settings, load
from pipeline.collect.fetch import Fetcher
from pipeline.errors import FetchError
from pipeline.webhooks import GIVEN_UP_AFTER, Hooks, pause, webhooks
from storage.database import Database
from storage.schema import feeds, notices
from tests.samples import NOW, Clock, add_feed, source

LOOPBACK = ["fetch.allow_networks=['127.0.0.0/8']", "fetch.host_delay_s=0.0"]
SECRET = "s" * 32
PATH = "/services/T0/very-secret"


@dataclass
class Receiver:
    """What a hook was sent, and what it answers."""

    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    got: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    url: str = ""


@contextmanager
def receiver() -> Iterator[Receiver]:
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.bodies.append(body)
            headers = {name.lower(): value for name, value in self.headers.items()}
            found.got.append((self.path, headers, json.loads(body)))
            self.send_response(found.status)
            for name, value in found.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            found.got.append((self.path, {}, {"method": "GET"}))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_address[1]}{PATH}"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()


def settings_for(*urls: str, more: tuple[str, ...] = (), guarded: bool = False) -> Settings:
    flags = [f"webhooks.urls={json.dumps(urls)}", f"webhooks.secret={SECRET}", *([] if guarded else LOOPBACK), *more]
    return load(environ={}, flags=flags)


def tell(settings: Settings, database: Database, clock: Callable[[], datetime], *, times: int = 1) -> None:
    """Look for alarms and send, as so many processes at once."""

    async def at_once() -> None:
        async with Fetcher(settings.fetch) as fetcher:
            await asyncio.gather(*(Hooks(settings, database, fetcher, clock).tell() for _ in range(times)))

    asyncio.run(at_once())


def wrong(database: Database, at: datetime, *urls: str) -> None:
    """These feeds are gone, others are well, and passes end."""
    with database.write() as connection:
        if connection.scalar(select(feeds.c.id).limit(1)) is None:
            add_feed(connection, *(source(f"https://a.example/{name}", outlet=name) for name in "abc"))
        state = {"state": "ok", "reason": "", "state_since": at}
        connection.execute(update(feeds).values(state))
        gone = feeds.c.url.in_([f"https://a.example/{name}" for name in urls])
        connection.execute(update(feeds).where(gone).values(state | {"state": "gone", "reason": "gone"}))


def events(receiver: Receiver) -> list[tuple[str, str]]:
    return [
        (alarm["event"], alarm["subject"].partition(":")[0])
        for _, _, content in receiver.got
        for alarm in content["alarms"]
    ]


@pytest.fixture
def clock() -> Clock:
    found = Clock()
    found.now = NOW
    return found


def test_an_alarm_is_told_once_and_so_is_its_end(database: Database, clock: Clock) -> None:
    with receiver() as hook:
        settings = settings_for(hook.url)
        for gone in ("a", "a", "ab", "", "", "a"):
            wrong(database, NOW, *gone)
            tell(settings, database, clock)
    assert sorted(events(hook)[:2]) == [("began", "a"), ("began", "b")]
    assert sorted(events(hook)[2:4]) == [("ended", "a"), ("ended", "b")]
    assert events(hook)[4:] == [("began", "a")]


def test_a_message_says_what_to_do_in_words_and_in_fields(database: Database, clock: Clock) -> None:
    with receiver() as hook:
        wrong(database, NOW, "a")
        tell(settings_for(hook.url), database, clock)
    (path, headers, content) = hook.got[0]
    (alarm,) = content["alarms"]
    assert (path, headers["content-type"]) == (PATH, "application/json")
    assert set(alarm) == {"id", "event", "noticed_at", "kind", "subject", "since", "why", "what_to_do"}
    assert content["text"].startswith("Alarm: feed_broken - a: https://a.example/a: gone")
    assert alarm["what_to_do"] in content["text"]


def test_a_signature_can_be_checked_by_who_knows_the_secret(database: Database, clock: Clock) -> None:
    with receiver() as hook:
        wrong(database, NOW, "a")
        tell(settings_for(hook.url), database, clock)
        tell(settings_for(hook.url + "2", more=("webhooks.secret=",)), database, clock)
    headers, body = hook.got[0][1], hook.bodies[0]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.digest(SECRET.encode(), signed, "sha256")).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert "webhook-signature" not in hook.got[1][1]


def test_two_processes_tell_it_once(database: Database, clock: Clock) -> None:
    with receiver() as hook:
        wrong(database, NOW, "a", "b")
        tell(settings_for(hook.url), database, clock, times=4)
    assert sorted(events(hook)) == [("began", "a"), ("began", "b")]


def test_a_hook_that_fails_is_tried_again_later_each_time_and_then_given_up(database: Database, clock: Clock) -> None:
    with receiver() as hook:
        hook.status = 500
        settings = settings_for(hook.url)
        wrong(database, NOW, "a")
        tell(settings, database, clock)
        tell(settings, database, clock)  # at once: not yet due
        assert len(hook.got) == 1
        clock.later(seconds=31)
        tell(settings, database, clock)
        clock.later(seconds=31)
        tell(settings, database, clock)
        assert len(hook.got) == 2  # the second pause is longer
        clock.now = NOW + GIVEN_UP_AFTER
        tell(settings, database, clock)
        hook.status = 200
        clock.later(hours=2)
        wrong(database, NOW)
        tell(settings, database, clock)
    assert len({headers["webhook-id"] for _, headers, _ in hook.got[:2]}) == 1  # a receiver knows it again
    with database.read() as connection:
        told = select(notices.c.event, notices.c.state).where(notices.c.kind == "feed_broken")
        found = connection.execute(told.order_by(notices.c.id)).all()
    assert found == [("began", "failed"), ("ended", "sent")]


def test_what_a_hook_asks_for_in_retry_after_counts(database: Database, clock: Clock) -> None:
    with receiver() as hook:
        hook.status, hook.headers = 429, {"Retry-After": "600"}
        settings = settings_for(hook.url)
        wrong(database, NOW, "a")
        tell(settings, database, clock)
        clock.later(seconds=300)
        tell(settings, database, clock)
        assert len(hook.got) == 1
        hook.status = 200
        clock.later(seconds=301)
        tell(settings, database, clock)
    assert len(hook.got) == 2


def test_pauses_double_up_to_an_hour() -> None:
    assert [pause(n, None).total_seconds() for n in (1, 2, 3, 7, 8, 10**6)] == [30, 60, 120, 1920, 3600, 3600]
    assert pause(1, 1e9) == timedelta(hours=1)


def test_one_hook_that_fails_keeps_no_other_from_its_news(database: Database, clock: Clock) -> None:
    with receiver() as good, receiver() as bad:
        bad.status = 500
        wrong(database, NOW, "a")
        tell(settings_for(bad.url, good.url), database, clock)
    assert (events(good), len(bad.got)) == ([("began", "a")], 1)


def test_a_message_that_was_not_ticked_off_is_sent_again_under_the_same_id(database: Database, clock: Clock) -> None:
    with receiver() as hook:
        settings = settings_for(hook.url)
        wrong(database, NOW, "a")
        tell(settings, database, clock)
        with database.write() as connection:  # as if the process had died before it wrote that
            connection.execute(update(notices).values(state="pending", sent_at=None))
        tell(settings, database, clock)
        assert len(hook.got) == 1  # the other process may be at it still
        clock.later(seconds=120)
        tell(settings, database, clock)
    assert hook.got[0][1]["webhook-id"] == hook.got[1][1]["webhook-id"]


def test_many_alarms_come_in_messages_that_a_chat_can_show(database: Database, clock: Clock) -> None:
    with database.write() as connection:
        add_feed(connection, *(source(f"https://a.example/{n}", outlet=f"o{n}") for n in range(45)))
        connection.execute(update(feeds).values(state="gone", reason="gone", state_since=NOW))
    with receiver() as hook:
        tell(settings_for(hook.url), database, clock)
    assert [len(content["alarms"]) for _, _, content in hook.got] == [20, 20, 5]


def test_slack_is_sent_text_alone_in_which_nothing_is_a_command(database: Database, clock: Clock) -> None:
    with database.write() as connection:
        add_feed(connection, source(outlet="<!channel> & co"))
        connection.execute(update(feeds).values(state="gone", reason="gone", state_since=NOW))
    with receiver() as hook:
        tell(settings_for(hook.url, more=("webhooks.format=slack",)), database, clock)
    content = hook.got[0][2]
    assert list(content) == ["text"]
    assert "&lt;!channel&gt; &amp; co" in content["text"]


def test_F10_a_redirect_is_not_followed(database: Database, clock: Clock) -> None:
    with receiver() as hook:
        hook.status, hook.headers = 307, {"Location": "/elsewhere"}
        wrong(database, NOW, "a")
        tell(settings_for(hook.url), database, clock)
    assert [path for path, _, _ in hook.got] == [PATH]
    with database.read() as connection:
        assert connection.scalars(select(notices.c.reason)).all() == ["127.0.0.1: too_many_redirects (307)"]


def test_an_address_inside_the_network_is_refused_unless_the_settings_name_it(database: Database, clock: Clock) -> None:
    with receiver() as hook:
        wrong(database, NOW, "a")
        tell(settings_for(hook.url, guarded=True), database, clock)
    with database.read() as connection:
        reasons = connection.scalars(select(notices.c.reason)).all()
    assert (hook.got, reasons) == ([], ["127.0.0.1: blocked_address"])


def test_an_endless_answer_and_a_slow_one_end(database: Database) -> None:
    from tests.loopback import Loopback, raw

    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"

    async def post(url: str) -> None:
        async with Fetcher(load(environ={}, flags=[*LOOPBACK, "fetch.timeout_s=0.5"]).fetch) as fetcher:
            await fetcher.post(url, b"{}", {})

    with Loopback({"/long": raw(head, *[b"x" * 65536] * 200), "/slow": raw(head, b"x", pause_s=2)}) as server:
        asyncio.run(post(server.url("/long")))
        with pytest.raises(FetchError) as caught:
            asyncio.run(post(server.url("/slow")))
    assert (caught.value.reason, str(caught.value)) == ("timeout", "127.0.0.1: timeout")


def test_the_address_of_a_hook_is_shown_nowhere(database: Database, clock: Clock) -> None:
    with receiver() as hook, capture_logs() as logged:
        hook.status = 500
        settings = settings_for(hook.url, f"http://127.0.0.1:1{PATH}", f"http://127.0.0.1:99999999{PATH}")
        wrong(database, NOW, "a")
        tell(settings, database, clock)
    with database.read() as connection:
        kept = str(connection.execute(select(notices)).all())
    assert len(logged) == 3
    assert not any("very-secret" in shown for shown in (str(logged), kept, repr(settings), settings.model_dump_json()))


@pytest.mark.parametrize("given", ['["ftp://x.example/very-secret"]', '["very-secret"]', "very-secret", "[1]"])
def test_a_wrong_address_is_refused_without_being_repeated(given: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        load(environ={}, flags=[f"webhooks.urls={given}"])
    assert "very-secret" not in str(caught.value)
    assert "webhooks.urls" in str(caught.value)


def test_the_service_tells_on_every_tick_and_goes_on_after_an_error(database: Database) -> None:
    async def serve(settings: Settings, hook: Receiver) -> None:
        async with webhooks(settings, database), asyncio.timeout(20):
            while not hook.got:  # noqa: ASYNC110 - the server fills it from its own thread
                await asyncio.sleep(0.02)

    with receiver() as hook:
        wrong(database, NOW, "a")
        asyncio.run(serve(settings_for(hook.url, more=("poll.tick_s=0.05",)), hook))
        settings = settings_for(hook.url)
        none = settings.model_copy(update={"webhooks": settings.webhooks.model_copy(update={"urls": ()})})
        asyncio.run(serve(none, hook))
    assert ("began", "a") in events(hook)
    assert len(settings.webhooks.urls) == 1
    assert isinstance(settings.webhooks.urls[0], SecretStr)
