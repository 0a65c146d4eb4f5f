"""Pictures of the dashboard for the README.

Articles and feeds are those of `treatywatch demo`; what needs years of watching is shown on generated coverage.

`make pictures`, or python -m tests.screenshots [FOLDER]
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from playwright.sync_api import Browser, FloatRect

from config.sections import sqlite_url
from config.settings import load
from pipeline.demo.play import MIN_N, play
from pipeline.passes import Quiet
from pipeline.report.web import web_app
from storage.database import Database, open_database
from storage.queries import Filter, extremes
from tests.browsing import browser, listening, watched
from tests.gathered import gather

PORT = 8736
MOST_BYTES = 300_000
DESK, LONG, TELEPHONE = (1440, 1050), (1440, 1500), (390, 1600)  # pixels across and down
Shot = tuple[str, str, tuple[int, int]]  # page, language, size
DEMO: Mapping[str, Shot] = {"articles": ("/articles", "en", DESK), "feeds": ("/feeds", "en", DESK)}
MADE: Mapping[str, Shot] = {
    "overview": ("/?days=all", "en", LONG),
    "overview-ja": ("/?days=all", "ja", LONG),
    "overview-phone": ("/?days=all", "en", TELEPHONE),
    "outlets": ("/outlets", "en", LONG),
    "codes": ("/codes", "en", LONG),
}


def main() -> None:
    """Play the demo and make coverage in a folder that goes, and take the pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "docs" / "img"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        play(load(), Path(home), PORT, Quiet())
        played, made = (open_database(sqlite_url(Path(home) / name)) for name in ("coverage.db", "made.db"))
        with played.read() as connection:
            article = extremes(connection, 1, Filter(language="en"))[1][0].article_id
        gather(made)
        with browser() as opened:
            _shoot(opened, played, {**DEMO, "article": (f"/articles/{article}", "en", DESK)}, folder)
            _shoot(opened, made, MADE, folder)


def _shoot(opened: Browser, database: Database, wanted: Mapping[str, Shot], folder: Path) -> None:
    settings = load()
    report = settings.report.model_copy(update={"min_n": MIN_N})
    app = web_app(settings.model_copy(update={"report": report}), database, b"k" * 32)
    with listening(app) as base:
        for name, (path, tongue, size) in wanted.items():
            _take(opened, base, path, tongue, size, folder / f"{name}.png")
    database.close()


def _take(opened: Browser, base: str, path: str, tongue: str, size: tuple[int, int], file: Path) -> None:
    with watched(opened, base, viewport={"width": size[0], "height": 900}, locale=tongue, color_scheme="light") as seen:
        seen.page.goto(path, wait_until="networkidle")
        height = min(size[1], seen.page.evaluate("document.documentElement.scrollHeight"))
        clip = FloatRect(x=0, y=0, width=size[0], height=height)
        seen.page.screenshot(path=file, full_page=True, clip=clip)
        print(f"{file.name}: {file.stat().st_size} bytes", *seen.wrong, sep="\n  ")
    if file.stat().st_size > MOST_BYTES:
        sys.exit(f"{file} is larger than {MOST_BYTES} bytes")


if __name__ == "__main__":
    main()
