"""The web application on a real socket, and a browser that watches what pages do."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, Request, sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--font-render-hinting=none"]  # fmt: skip


def chromium() -> str:
    """Where Chromium lies. Without one the test is skipped, and in continuous integration it fails."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None and os.environ.get("CI") == "true":
        pytest.fail("there is no Chromium to open pages in")
    return found or pytest.skip("there is no Chromium to open pages in: install `chromium`")


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser with a fresh profile."""
    with sync_playwright() as running:
        opened = running.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield opened
        opened.close()


@contextmanager
def listening(app: FastAPI) -> Iterator[str]:
    """The application on a free port of this machine; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


@dataclass(slots=True)
class Watched:
    """A page and what went wrong on it: messages on the console, requests that failed or went elsewhere."""

    page: Page
    wrong: list[str] = field(default_factory=list)


@contextmanager
def watched(opened: Browser, base: str, **options: Any) -> Iterator[Watched]:
    """A page of its own, without a past."""
    context = opened.new_context(base_url=base, reduced_motion="reduce", **options)
    context.set_default_timeout(60_000)
    seen = Watched(context.new_page())

    def asks(request: Request) -> None:
        if not request.url.startswith((base, "data:")):
            seen.wrong.append(f"asks elsewhere: {request.url}")

    def ends(request: Request) -> None:
        answer = request.response()
        if answer and answer.status >= 400 and not request.is_navigation_request():
            seen.wrong.append(f"{answer.status}: {request.url}")

    context.on("request", asks)
    context.on("requestfinished", ends)
    context.on("requestfailed", lambda request: seen.wrong.append(f"failed: {request.url} {request.failure}"))
    seen.page.on("console", lambda said: seen.wrong.append(f"{said.type}: {said.text}"))
    seen.page.on("pageerror", lambda error: seen.wrong.append(f"error: {error}"))
    yield seen
    context.close()
