"""The dashboard in a real browser: on a desk and a telephone, in both languages, with and without a script."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page

from pipeline.report.words import each_tongue
from storage import digests
from storage.database import open_database
from tests.browsing import browser, listening, watched
from tests.gathered import NOW, gather
from tests.pixels import pixels
from tests.web import Site

pytestmark = [pytest.mark.browser]
PAGES = (
    "/", "/?days=all", "/articles", "/articles?outlet=Harbour+Times&sort=vigilant", "/articles?tone_min=9",
    "/articles/1", "/outlets", "/outlets?language=ja&period=week", "/outlets?from=2999-01-01", "/codes", "/feeds",
    "/digests", "/digests/1", "/codebook", "/explain", "/sign-in", "/nowhere",
)  # fmt: skip
REFUSED = {"/nowhere": "404", "/articles?tone_min=9": "400"}  # what browsers themselves write on the console
WIDTHS = (1440, 390)
LETTER = """<!doctype html><html lang="en"><head><style>p { color: red }</style></head><body><div>Preview</div>
<table><tr><td style="color:red"><h1>Digest</h1><h2>Stories</h2><ul><li>One article, rather vigilant</li></ul>
<img src="cid:chart" alt=""><a href="https://outlet0.example/1">Harbour Times</a></td></tr></table></body></html>"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    database = open_database(f"sqlite:///{tmp_path_factory.mktemp('browser') / 'coverage.db'}")
    gather(database, months=3)
    with database.write() as connection:
        digests.keep(connection, _digest(), [])
    site = Site(database, requests_per_minute=100_000)
    with listening(site.app) as address:
        yield address
    site.close()
    database.close()


def _digest() -> dict[str, Any]:
    times = {"covers_from": NOW - timedelta(days=1), "covers_to": NOW, "created_at": NOW}
    said = {"subject": "One article, rather vigilant", "html": LETTER, "plain": "One article", "figures": {}}
    about = {"edition": "daily", "day": NOW.date().isoformat(), "language": "en", "quiet": False, "run_id": None}
    return {**times, **said, **about, "chart": None}


@pytest.fixture(scope="module")
def opened() -> Iterator[Browser]:
    with browser() as found:
        yield found


def settled(page: Page, path: str) -> None:
    """Open a page and wait for its pictures."""
    page.goto(path, wait_until="networkidle")
    page.wait_for_function("[...document.images].every(image => image.complete && image.naturalWidth > 0)")


@pytest.mark.parametrize("tongue", each_tongue())
@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_fits_asks_nobody_else_and_can_be_used_by_everybody(
    base: str, opened: Browser, width: int, tongue: str
) -> None:
    found: dict[str, list[str]] = {}
    for path in PAGES:
        with watched(opened, base, viewport={"width": width, "height": 900}, locale=tongue) as seen:
            settled(seen.page, path)
            found[path] = [wrong for wrong in seen.wrong if REFUSED.get(path, "no such number") not in wrong]
            found[path] += _too_wide(seen.page) + _barriers(seen.page)
            assert seen.page.locator("html").get_attribute("lang") == tongue, path
    assert {path: wrong for path, wrong in found.items() if wrong} == {}


def _too_wide(page: Page) -> list[str]:
    over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [f"{over} pixels too wide"] if over > 0 else []


def _barriers(page: Page) -> list[str]:
    """What axe finds serious or critical."""
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    violations = Axe().run(page).response["violations"]
    grave = [one for one in violations if one["impact"] in ("serious", "critical")]
    return [f"{one['id']}: {one['help']} {[node['target'] for node in one['nodes']][:3]}" for one in grave]


def test_dark_paper_is_readable_too(base: str, opened: Browser) -> None:
    found = {}
    for path in ("/", "/articles", "/articles/1", "/outlets", "/codes", "/feeds", "/codebook"):
        with watched(opened, base, viewport={"width": 1440, "height": 900}, color_scheme="dark") as seen:
            settled(seen.page, path)
            found[path] = seen.wrong + _barriers(seen.page)
    assert {path: wrong for path, wrong in found.items() if wrong} == {}


def test_the_keyboard_leads_from_a_filter_to_an_article_and_its_evidence(base: str, opened: Browser) -> None:
    with watched(opened, base, viewport={"width": 1440, "height": 900}, locale="en") as seen:
        page = seen.page
        settled(page, "/articles")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")  # skips to the content
        _tab_to(page, "#f-language")
        page.keyboard.type("Jap")
        _tab_to(page, "form.filters button")
        page.keyboard.press("Enter")
        page.wait_for_url("**/articles?*language=ja*")
        _tab_to(page, "a.headline")
        page.keyboard.press("Enter")
        page.wait_for_url("**/articles/*")
        assert page.locator("h1").get_attribute("lang") == "ja"
        assert page.locator("main mark, main blockquote, main .passage, main [id^='p']").count() > 0
        assert seen.wrong == []


def _tab_to(page: Page, selector: str, most: int = 60) -> None:
    """Press Tab until the element has the focus, which must be seen."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", selector
            return
    pytest.fail(f"the keyboard does not reach {selector}")


def test_without_a_script_the_pages_say_the_same(base: str, opened: Browser) -> None:
    for path in ("/", "/articles", "/articles/1", "/outlets", "/codes", "/feeds", "/codebook", "/digests"):
        said = []
        for script in (True, False):
            with watched(opened, base, java_script_enabled=script, locale="en") as seen:
                seen.page.goto(path, wait_until="networkidle")
                said.append(seen.page.locator("main").inner_text())
        assert said[0] == said[1], path


def test_a_chart_tells_its_figures_where_the_pointer_is_and_breaks_no_policy(base: str, opened: Browser) -> None:
    with watched(opened, base, viewport={"width": 1440, "height": 900}, locale="ja") as seen:
        settled(seen.page, "/codes")
        seen.page.locator("img[data-chart]").first.hover()
        seen.page.locator(".live canvas").first.hover(position={"x": 600, "y": 300})
        tip = seen.page.locator("#vg-tooltip-element.visible")
        tip.wait_for()
        assert "割合" in tip.inner_text()
        assert seen.page.locator("img[data-chart]").first.get_attribute("alt")
        assert seen.wrong == []


def test_a_chart_is_drawn_as_a_picture(base: str, opened: Browser) -> None:
    with watched(opened, base, viewport={"width": 1440, "height": 900}) as seen:
        settled(seen.page, "/codes")
        shown = pixels(seen.page.locator("img[data-chart]").first.screenshot(type="png"))
        assert len({tuple(colour) for colour in shown[::7, ::7].reshape(-1, shown.shape[2]).tolist()}) > 10
