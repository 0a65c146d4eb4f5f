"""Tells webhooks of alarms that began or ended, beside the passes: each once, through the guarded fetch.

What is to be told stands in the database before it is sent, and is ticked off afterwards; a process that dies between
the two has it sent again, under the same id. Signatures are those of https://www.standardwebhooks.com.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import structlog

from config.settings import Settings
from pipeline.collect.fetch import Fetcher
from pipeline.errors import FetchError, TreatywatchError
from storage import notices
from storage.database import Database
from storage.notices import Key, Notice
from storage.queries import alarms

log = structlog.get_logger()
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)
GIVEN_UP_AFTER = timedelta(days=2)
MOST = 20  # alarms in one message: a chat cuts longer ones


@asynccontextmanager
async def webhooks(
    settings: Settings, database: Database, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> AsyncIterator[None]:
    """Tell the hooks every `poll.tick_s` seconds while this is open. Without hooks nothing is done."""
    if not settings.webhooks.urls:
        yield
        return
    async with Fetcher(settings.fetch) as fetcher:
        telling = asyncio.create_task(_tell(Hooks(settings, database, fetcher, clock), settings.poll.tick_s))
        try:
            yield
        finally:
            telling.cancel()
            with suppress(asyncio.CancelledError):
                await telling


async def _tell(hooks: Hooks, tick_s: float) -> None:
    while True:
        await asyncio.sleep(tick_s)  # first of all the pass that a start begins with may end what was wrong
        try:
            await hooks.tell()
        except TreatywatchError as error:
            log.error("webhooks", error=str(error))
        except Exception as error:  # what goes wrong now must not end the watch
            log.error("webhooks", error=repr(error), exc_info=error)


class Hooks:
    """The hooks that the settings name."""

    def __init__(self, settings: Settings, database: Database, fetcher: Fetcher, clock: Callable[[], datetime]) -> None:
        self._settings, self._database, self._fetcher, self._clock = settings, database, fetcher, clock
        # A moment longer than a message may take, so that no other process sends it meanwhile.
        self._hold = timedelta(seconds=settings.fetch.timeout_s) + FIRST_PAUSE

    async def tell(self) -> None:
        """Note what began and ended, and send what is due, to all hooks at once. Raises StorageError."""
        urls = [url.get_secret_value() for url in dict.fromkeys(self._settings.webhooks.urls)]
        await asyncio.to_thread(self._note, [_name(url) for url in urls])
        await asyncio.gather(*(self._send_all(url) for url in urls))

    def _note(self, hooks: Sequence[str]) -> None:
        now, poll = self._clock(), self._settings.poll
        with self._database.read() as connection:
            found = alarms(connection, self._settings.alarms, interval_s=poll.min_interval_s, now=now)
        holding: dict[Key, dict[str, Any]] = {(alarm.kind, alarm.subject): _plain(asdict(alarm)) for alarm in found}
        with self._database.write() as connection:
            for hook in hooks:
                notices.note(connection, hook, holding, now)

    async def _send_all(self, url: str) -> None:
        while taken := await asyncio.to_thread(self._take, _name(url)):
            if not await self._send(url, taken):
                break

    def _take(self, hook: str) -> tuple[Notice, ...]:
        now = self._clock()
        with self._database.write() as connection:
            return notices.take(connection, hook, now, until=now + self._hold, most=MOST)

    async def _send(self, url: str, taken: Sequence[Notice]) -> bool:
        content = message(taken, self._settings.webhooks.format)
        ids = [notice.id for notice in taken]
        try:
            await self._fetcher.post(url, content, self._headers(content, _id(url, ids)))
        except FetchError as error:
            await asyncio.to_thread(self._put_off, url, taken, error)
            return False
        await asyncio.to_thread(self._tick_off, ids)
        log.info("webhook", host=_host(url), notices=len(ids))
        return True

    def _tick_off(self, ids: Sequence[int]) -> None:
        with self._database.write() as connection:
            notices.sent(connection, ids, self._clock())

    def _put_off(self, url: str, taken: Sequence[Notice], error: FetchError) -> None:
        now = self._clock()
        again_at = now + pause(max(notice.attempts for notice in taken), error.retry_after_s)
        old = [notice.id for notice in taken if notice.created_at <= now - GIVEN_UP_AFTER]
        young = [notice.id for notice in taken if notice.id not in old]
        with self._database.write() as connection:
            notices.failed(connection, old, str(error), again_at=None)
            notices.failed(connection, young, str(error), again_at=again_at)
        log.warning("webhook", host=_host(url), error=str(error), again_at=again_at.isoformat(), given_up=len(old))

    def _headers(self, content: bytes, message_id: str) -> dict[str, str]:
        at = int(self._clock().timestamp())
        headers = {"Content-Type": "application/json", "webhook-id": message_id, "webhook-timestamp": str(at)}
        secret = self._settings.webhooks.secret.get_secret_value()
        return headers | ({"webhook-signature": signature(secret, message_id, at, content)} if secret else {})


def pause(attempts: int, asked_s: float | None) -> timedelta:
    """How long to wait after so many tries in vain: twice as long each time, or what the hook asks for."""
    asked = timedelta(seconds=min(asked_s or 0.0, LONGEST_PAUSE.total_seconds()))
    return max(asked, min(FIRST_PAUSE * (1 << min(attempts - 1, 16)), LONGEST_PAUSE))


def signature(secret: str, message_id: str, at: int, content: bytes) -> str:
    """What a receiver that knows the secret computes, too, from the headers and the body as it came."""
    signed = b".".join((message_id.encode(), str(at).encode(), content))
    return "v1," + b64encode(hmac.digest(secret.encode(), signed, "sha256")).decode("ascii")


def message(told: Sequence[Notice], form: str) -> bytes:
    """The body of a message."""
    lines = [_line(notice) for notice in told]
    if form == "slack":  # https://docs.slack.dev/messaging/formatting-message-text: these three are its own
        lines = [line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") for line in lines]
    content: dict[str, Any] = {"text": "\n".join(lines)}
    if form == "json":
        content["alarms"] = [
            {"id": notice.id, "event": notice.event, "noticed_at": notice.created_at.isoformat(), **notice.payload}
            for notice in told
        ]
    return json.dumps(content, ensure_ascii=False).encode()


def _line(notice: Notice) -> str:
    alarm = notice.payload
    what = f"{alarm['kind']} - {alarm['subject']}"
    if notice.event == "ended":
        return f"Over: {what} (since {alarm['since'][:16]})"
    return f"Alarm: {what}: {alarm['why']} (since {alarm['since'][:16]}). To do: {alarm['what_to_do']}"


def _plain(alarm: dict[str, Any]) -> dict[str, Any]:
    return alarm | {"since": alarm["since"].isoformat()}


def _name(url: str) -> str:
    """What stands for a hook in the database, since its address is a secret."""
    return sha256(url.encode()).hexdigest()[:16]


def _host(url: str) -> str:
    """All that may be shown of an address."""
    with suppress(ValueError):
        return urlsplit(url).hostname or ""
    return ""


def _id(url: str, ids: Sequence[int]) -> str:
    return sha256(f"{url} {ids}".encode()).hexdigest()[:32]
