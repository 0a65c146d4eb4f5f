"""The dashboard's pages: what they say, in which language, to whom, and that no markup in them is anybody else's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote, urlencode

import lxml.html
import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from fastapi import FastAPI
from jinja2.ext import babel_extract

from config.codebook import load_codebook
from pipeline.report.auth import utc_now
from pipeline.report.pages import page_routes
from pipeline.report.words import Words
from storage import articles
from storage.columns import storable
from storage.database import open_database
from tests.attacks import ATTACKS
from tests.pages import BROWSER, OUT, Seen, add_coverage, fill
from tests.samples import NOW, add_article, article, source
from tests.web import Site, bearer, site

REPORT = Path(__file__).parents[1] / "pipeline" / "report"
OURS = ("/", "#", "?")


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with twelve articles in each language."""
    with site(tmp_path_factory.mktemp("pages"), requests_per_minute=10**9) as found:
        fill(found.database)
        yield found


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Site]:
    """A site without an article."""
    with site(tmp_path) as found:
        yield found


def read(on: Site, path: str, status: int = 200, **headers: str) -> lxml.html.HtmlElement:
    """A page as a tree."""
    answer = on.ask(path, headers={**BROWSER, **headers})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return lxml.html.document_fromstring(answer.text)


def said(page: lxml.html.HtmlElement, path: str = "//main") -> str:
    """The words of a part, with single spaces."""
    return " ".join(" ".join(part.text_content() for part in page.xpath(path)).split())


def headlines(page: lxml.html.HtmlElement) -> list[str]:
    return [link.text_content() for link in page.xpath("//a[@class='headline']")]


# The frame


@pytest.mark.parametrize(
    ("query", "headers", "tongue"),
    [
        ("", {}, "en"),
        ("?lang=ja", {}, "ja"),
        ("?lang=xx", {}, "en"),
        ("", {"Accept-Language": "ja,en;q=0.8"}, "ja"),
        ("", {"Accept-Language": "fr-FR,fr;q=0.9"}, "en"),
        ("", {"Accept-Language": "ja", "Cookie": "treatywatch_lang=en"}, "en"),
        ("?lang=ja", {"Cookie": "treatywatch_lang=en"}, "ja"),
        ("", {"Cookie": "treatywatch_lang=<script>"}, "en"),
    ],
)
def test_the_language_is_what_was_asked_for_else_remembered_else_the_browsers(
    full: Site, query: str, headers: dict[str, str], tongue: str
) -> None:
    assert read(full, f"/{query}", **headers).get("lang") == tongue


def test_a_chosen_language_is_remembered(full: Site) -> None:
    cookie = full.ask("/?lang=ja").headers["set-cookie"]
    assert cookie == "treatywatch_lang=ja; HttpOnly; Max-Age=31536000; Path=/; SameSite=lax"
    assert "set-cookie" not in full.ask("/").headers


def test_the_other_language_shows_the_same_page(full: Site) -> None:
    page = read(full, "/articles?outlet=Outlet+ja&text=%E4%BA%A4%E6%B8%89")
    link = page.xpath("//nav[@class='tongues']/a/@href")[0]
    other = read(full, f"/articles{link}")
    assert (other.get("lang"), headlines(other)) == ("ja", headlines(page))


@pytest.mark.parametrize("path", ["/", "/articles", "/articles/1", "/explain"])
def test_every_page_can_be_read_by_keyboard_and_ear(full: Site, path: str) -> None:
    page = read(full, path)
    assert page.xpath("//body/a[@class='skip']/@href") == ["#content"]
    assert len(page.xpath("//main[@id='content']")) == 1
    assert len(page.xpath("//h1")) == 1
    assert page.xpath("//img[not(@alt)] | //svg[not(@aria-hidden or @role)]") == []
    for control in page.xpath("//main//input | //main//select"):
        assert page.xpath(f"//label[@for='{control.get('id')}']"), control.get("name")
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("path", ["/", "/articles", "/articles/1", "/explain?url=" + quote(OUT), "/none"])
def test_pages_bear_neither_styles_nor_scripts(full: Site, path: str) -> None:
    html = full.ask(path, headers=BROWSER).text
    assert re.findall(r"<style|\sstyle=|<script(?! src=\"/)|\son\w+=", html) == []


# The overview


def test_the_overview_tells_the_finding_with_n_and_interval(full: Site) -> None:
    lead = said(read(full, "/"), "//p[@class='lead']")
    assert "In the last 30 days, coverage was on the whole balanced: a mean tone of +0.07, between " in lead
    assert "over 36 articles" in lead
    assert "furthest to the credulous side in English (+0.80) and furthest to the vigilant side in Russian" in lead


def test_every_mean_has_its_interval_and_n(full: Site) -> None:
    means = read(full, "/").xpath("//table[contains(@class, 'languages')]//td[@data-label='Tone']")
    figure = re.compile(r"[−+]?\d\.\d\d \[[−+]?\d\.\d\d, [−+]?\d\.\d\d\] n = 12")
    assert [bool(figure.search(said(mean, "."))) for mean in means] == [True] * 3


def test_groups_with_too_few_articles_have_only_their_number(tmp_path: Path) -> None:
    with site(tmp_path) as found:
        fill(found.database, each=9)
        for lang, few in (("en", "too few (9)"), ("ja", "件数不足（9件）")):
            rows = read(found, f"/?lang={lang}").xpath("//table[contains(@class, 'languages')]/tbody/tr")
            assert [said(row, "./td") for row in rows] == [f"{few} – – 9"] * 3


def test_time_goes_by_in_a_chart_and_in_its_table(full: Site) -> None:
    page = read(full, "/?days=365")
    chart = page.xpath("//figure//img[@alt]")[0]
    assert chart.get("src").startswith("/charts/tone.svg?from=")
    assert full.ask(chart.get("src")).headers["content-type"] == "image/svg+xml"
    volumes = page.xpath("//section[@aria-labelledby='over-time']//td[@data-label='Volume']")
    assert sum(int(said(cell, ".")) for cell in volumes) == 36


def test_the_window_is_the_shortest_with_enough_articles_unless_one_is_chosen(tmp_path: Path) -> None:
    with site(tmp_path) as found:
        with found.database.write() as connection:
            for n in range(12):
                add_coverage(connection, "en", n, published_at=utc_now() - timedelta(days=60 + n))
        assert "In the last 90 days" in said(read(found, "/"), "//p[@class='lead']")
        assert "Nothing has been scored" in said(read(found, "/?days=30"), "//p[@class='lead']")
        assert "Over all the time" in said(read(found, "/?days=all"), "//p[@class='lead']")


def test_an_empty_database_has_pages(empty: Site) -> None:
    assert "Nothing has been scored yet" in said(read(empty, "/"))
    assert "No scored article answers to this" in said(read(empty, "/articles"))


def test_the_overview_lists_the_articles_of_today(full: Site) -> None:
    page = read(full, "/")
    assert "Today’s articles" in said(page, "//h2")
    assert {title[-1] for title in headlines(page)} == {"0"}


def test_the_overview_tells_alarms_and_what_to_do(full: Site) -> None:
    alarms = said(read(full, "/"), "//section[@aria-labelledby='alarms']")
    assert "treatywatch falls behind: passes" in alarms
    assert "treatywatch serve" in alarms


# The articles


@pytest.mark.parametrize(
    ("query", "n"),
    [
        ("outlet=Outlet+ja", 12), ("language=ru", 12), ("country=JP", 36), ("country=US", 0), ("kind=national", 36),
        ("kind=wire", 0), ("code=face_value", 36), ("code=china_card", 0), ("omitted=motives", 36),
        ("omitted=islands", 0),
        ("tone_min=0.75", 12), ("tone_max=−0.5", 12), ("text=%E4%BA%A4%E6%B8%89", 12), ("text=%22go+on+7%22", 1),
        ("outlet=Nobody", 0), ("language=en&tone_min=0.82", 4),
    ],
)  # fmt: skip
def test_filters_narrow_the_list_down(full: Site, query: str, n: int) -> None:
    page = read(full, f"/articles?{query}")
    assert said(page, "//h2[@id='results']") == ("1 article" if n == 1 else f"{n} articles")
    assert len(headlines(page)) == min(n, 25)


def test_days_include_the_last(full: Site) -> None:
    today = utc_now().date()
    one, three = today.isoformat(), (today - timedelta(days=2)).isoformat()
    assert len(headlines(read(full, f"/articles?from={one}&to={one}"))) == 3
    assert len(headlines(read(full, f"/articles?from={three}&to={one}"))) == 9


@pytest.mark.parametrize(
    ("sort", "first", "last"), [("credulous", "Talks", "Переговоры"), ("vigilant", "Переговоры", "Talks")]
)
def test_articles_come_in_the_order_asked_for(full: Site, sort: str, first: str, last: str) -> None:
    titles = _whole_list(full, f"/articles?sort={sort}")
    assert (len(set(titles)), titles[0].startswith(first), titles[-1].startswith(last)) == (36, True, True)


def _whole_list(on: Site, path: str) -> list[str]:
    """The headlines of a list from page to page."""
    found: list[str] = []
    while path:
        page = read(on, path)
        found += headlines(page)
        path = next(iter(page.xpath("//a[@rel='next']/@href")), "")
    return found


def test_filters_stay_in_the_links_of_a_list(tmp_path: Path) -> None:
    with site(tmp_path) as found:
        fill(found.database, each=30)
        query = {"text": "is in the air", "language": "ja", "tone_min": "-0.9", "sort": "oldest"}
        page = read(found, f"/articles?{urlencode(query)}")
        following = page.xpath("//a[@rel='next']/@href")[0]
        assert following.startswith(f"/articles?{urlencode(query)}&after=")
        chips = page.xpath("//a[@class='chip']/@href")
        assert f"/articles?{urlencode({name: value for name, value in query.items() if name != 'language'})}" in chips
        assert page.xpath("//select[@name='language']/option[@selected]/@value") == ["ja"]
        assert page.xpath("//input[@name='text']/@value") == ["is in the air"]
        assert len(_whole_list(found, f"/articles?{urlencode(query)}")) == 30


def test_what_was_left_empty_in_the_form_is_not_in_the_address(full: Site) -> None:
    answer = full.ask("/articles?text=&outlet=Outlet+ja&language=&sort=&from=&to=")
    assert (answer.status_code, answer.headers["location"]) == (303, "/articles?outlet=Outlet+ja")


def test_an_article_is_listed_with_tone_codes_and_cautions_in_words(full: Site) -> None:
    row = read(full, "/articles?text=%22go+on+7%22").xpath("//table//tbody/tr")[0]
    words = said(row, ".")
    for part in ("Outlet en", "Talks go on 7", "strongly credulous", "+0.80", "[+0.50, +1.00]", "very short", "0.80"):
        assert part in words, part
    assert "Words taken at face value" in words


def test_headlines_and_quotations_tell_their_language(full: Site) -> None:
    page = read(full, "/articles?language=ru")
    assert set(page.xpath("//a[@class='headline']/@lang")) == {"ru"}
    path = page.xpath("//a[@class='headline']/@href")[0]
    shown = read(full, path)
    assert shown.xpath("//h1/@lang") == ["ru"]
    assert set(shown.xpath("//q/@lang")) == {"ru"}
    assert shown.xpath("//div[@class='prose']/@lang") == ["ru"]
    assert set(shown.xpath("//span[@role='tooltip']/@lang")) == {"en"}


BAD = {
    "tone_min": ["x", "nan", "inf", "2", "-1.01", "1e400", "\0"], "tone_max": ["--1"],
    "from": ["soon", "2026-02-30", "0000-00-00"],
    "to": ["9999-12-31", "1"], "language": ["xx", "EN"], "kind": ["wires"], "code": ["nonsense", "<script>"],
    "omitted": ["\u202e"], "sort": ["best"], "text": ["x" * 501],
}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_a_filter_that_can_t_be_read_is_marked_on_the_page(full: Site, name: str, value: str) -> None:
    page = read(full, f"/articles?{urlencode({name: value, 'outlet': 'Outlet ja'})}", 400)
    assert len(page.xpath("//*[@role='alert']")) == 1
    field = page.xpath(f"//*[@id='f-{name}']")[0]
    assert field.get("aria-invalid") == "true"
    assert said(page, f"//*[@id='{field.get('aria-describedby')}']")
    assert page.xpath("//select[@name='outlet']/option[@selected]/@value") == ["Outlet ja"]
    assert headlines(page) == []


@pytest.mark.parametrize("query", ["from=2026-05-02&to=2026-05-01", "tone_min=0.5&tone_max=0.4"])
def test_bounds_that_contradict_each_other_are_told(full: Site, query: str) -> None:
    assert read(full, f"/articles?{query}", 400).xpath("//*[@aria-invalid]") != []


@pytest.mark.parametrize("after", ["nonsense", "\0", "x" * 900, "2026-11-24T12:00:00Z.99999999999999999999"])
def test_a_page_that_is_not_there_leads_to_the_first(full: Site, after: str) -> None:
    page = read(full, f"/articles?{urlencode({'outlet': 'Outlet ja', 'after': after})}", 400)
    assert "/articles?outlet=Outlet+ja" in page.xpath("//*[@role='alert']//a/@href")


# One article


def test_passages_are_marked_in_their_place_with_code_and_voice(full: Site) -> None:
    page = read(full, "/articles/1")
    assert said(page, "//div[@class='prose']/p[1]").startswith("Talks go on 0")
    marks = page.xpath("//a[contains(@class, 'passage')]")
    assert [mark.text_content() for mark in marks if "optimistic" in mark.get("class")][-1] == "Hope is in the air."
    for mark in marks:
        assert page.xpath(f"//tr[@id='{mark.get('href')[1:]}']")
    tip = said(page, f"//*[@id='{marks[-1].get('aria-describedby')}']")
    assert (
        tip == "Words taken at face value 0.80 · quoted without distance · gives: the unsettled status of the islands"
    )


def test_the_article_page_tells_score_context_relevance_and_origin(full: Site) -> None:
    words = said(read(full, "/articles/1"))
    for part in (
        "+0.75", "strongly credulous", "[+0.45, +1.00]", "the unsettled status of the islands",
        "left out:the constitutional clause of 2020", "90 %, talks", "平和条約", "very short", "Scores by run",
    ):  # fmt: skip
        assert part in words, part


def test_the_link_to_the_outlet_gives_it_nothing(full: Site) -> None:
    link = read(full, "/articles/1").xpath("//a[@class='away']")[0]
    assert (link.get("href"), link.get("rel")) == ("https://en.example/0", "noopener noreferrer nofollow")


def test_whole_texts_are_for_those_who_are_known(full: Site) -> None:
    bare = FastAPI()
    bare.state.database, bare.state.settings = full.database, full.app.state.settings
    bare.include_router(page_routes())
    shown, full.app = full.app, bare
    try:
        page = read(full, "/articles/1")
    finally:
        full.app = shown
    assert "It is plain" in said(read(full, "/articles/1"), "//div[@class='prose']")
    assert page.xpath("//div[@class='prose']") == []
    quoted = ["Talks go on 0", "Talks go on 0", "It is plain", "Hope is in the air."]
    assert [mark.text for mark in page.xpath("//q")] == quoted
    assert "Whole texts are shown to those who have signed in" in said(page)


def test_who_has_no_token_is_led_to_sign_in_and_sees_no_page(tmp_path: Path) -> None:
    with site(tmp_path, require_token=True) as found:
        fill(found.database, each=1)
        answers = [found.ask(path, headers=BROWSER) for path in ("/", "/articles", "/articles/1", "/explain")]
        assert [(answer.status_code, answer.text) for answer in answers] == [(303, "")] * 4
        page = read(found, "/articles/1", **bearer(found.token("anna")))
        assert "It is plain" in said(page, "//div[@class='prose']")
        assert "Reading as anna" in said(page, "//footer")


def test_an_edited_article_says_so_and_shows_its_versions(tmp_path: Path) -> None:
    with site(tmp_path) as found:
        url = "https://a.example/1"
        with found.database.write() as connection:
            add_article(connection, article(url, "Talks go on. They are old."), tone=0.2)
            articles.store(connection, 1, article(url, "Talks go on. They are new."), NOW)
        page = read(found, "/articles/1")
        assert "has changed this text once" in said(page)
        assert len(page.xpath("//section[@aria-labelledby='versions']//li")) == 2


def test_a_partial_article_says_what_that_means(tmp_path: Path) -> None:
    with site(tmp_path) as found:
        with found.database.write() as connection:
            add_article(connection, article(partial=True), tone=0.2)
        assert "Only part of the text was to be had" in said(read(found, "/articles/1"))
        assert "partial text" in said(read(found, "/articles"), "//table")


@pytest.mark.parametrize("article_id", ["0", "-1", "x", "1.5", "9" * 30, "%00", str(2**63), "１"])
def test_an_article_that_is_not_there_is_a_page(full: Site, article_id: str) -> None:
    page = read(full, f"/articles/{article_id}", 404)
    assert "There is no such article here" in said(page)


# Why an article is in or out


def test_what_was_dropped_is_explained(full: Site) -> None:
    page = read(full, f"/explain?url={quote(OUT)}")
    verdict = said(page, "//p[@class='lead']")
    assert verdict == "Out: dropped at the first look at its words, because no word shows that it is about Russia."
    japanese = said(read(full, f"/explain?lang=ja&url={quote(OUT)}"), "//p[@class='lead']")
    assert japanese == "不採用：「語句による一次選別」の段階で除外（ロシアに関する語がない）。"


def test_what_is_in_is_explained_and_leads_to_its_page(full: Site) -> None:
    page = read(full, f"/explain?url={quote('https://ja.example/3')}")
    assert said(page, "//p[@class='lead']").startswith("In: its latest run scored it +0.")
    assert page.xpath("//a[@class='button']/@href")[0].startswith("/articles/")


@pytest.mark.parametrize("url", ["https://nobody.example/", "nonsense", "\0", "x" * 3000, "javascript:alert(1)"])
def test_what_nobody_announced_is_told(full: Site, url: str) -> None:
    page = read(full, f"/explain?{urlencode({'url': url})}", 404)
    assert "No watched feed has announced this address" in said(page)


# Errors


@pytest.mark.parametrize(("path", "status"), [("/none", 404), ("/static/none", 404), ("/articles/1/none", 404)])
def test_browsers_get_errors_as_pages_and_programs_as_problems(full: Site, path: str, status: int) -> None:
    assert "There is no such page" in said(read(full, path, status), "//h1")
    assert full.ask(path).headers["content-type"] == "application/problem+json"


def test_the_api_answers_problems_whoever_asks(full: Site) -> None:
    answer = full.ask("/api/v1/articles?limit=0", headers=BROWSER)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


def test_an_error_keeps_its_headers(full: Site) -> None:
    answer = full.ask("/articles", "DELETE", headers=BROWSER)
    assert (answer.status_code, answer.headers["allow"], "<h1>" in answer.text) == (405, "GET", True)


def test_what_breaks_is_a_page_that_tells_nothing(tmp_path: Path) -> None:
    with site(tmp_path) as found:

        @found.app.get("/broken")
        def broken() -> None:
            raise RuntimeError("secret detail of /srv/treatywatch")

        page = said(read(found, "/broken", 500, **{"Accept-Language": "ja"}), "/html")
        assert ("問題が起きました" in page, "secret" in page) == (True, False)


# Other people's words


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site full of articles whose headline, text, author and outlet are attacks."""
    database = open_database(f"sqlite:///{tmp_path_factory.mktemp('attacked') / 'coverage.db'}")
    with database.write() as connection:
        for n, attack in enumerate(map(storable, ATTACKS)):
            words = {"title": attack, "byline": attack, "outlet": attack[:80], "published_at": utc_now()}
            judged = article(f"https://a.example/{n}", f"{attack}. {attack}", **words)
            feed = source(f"https://a.example/feed/{n}", outlet=attack[:80])
            add_article(connection, judged, tone=0.4, feed=feed, face_value=0.8)
    found = Site(database, requests_per_minute=10**9)
    yield found
    found.close()
    database.close()


def shapes_of(on: Site, paths: list[str]) -> set[tuple[str, frozenset[str]]]:
    """Elements and attributes of pages, whose links stay here or lead to the web."""
    found: set[tuple[str, frozenset[str]]] = set()
    for path in paths:
        seen = Seen(on.ask(path, headers=BROWSER).text)
        assert [link for link in seen.links if not link.startswith((*OURS, "https://"))] == []
        assert [link for link in seen.links if link.startswith("//")] == []
        found |= seen.shapes
    return found


def test_F44_words_of_outlets_make_no_markup_on_any_page(full: Site, attacked: Site) -> None:
    known = shapes_of(full, ["/", "/articles", "/articles?outlet=x", "/articles/1", f"/explain?url={quote(OUT)}"])
    known |= shapes_of(full, ["/explain?url=https%3A%2F%2Fen.example%2F1", "/articles?outlet=Outlet+en&sort=oldest"])
    pages = ["/", *(f"/articles/{n + 1}" for n in range(len(ATTACKS)))]
    pages += [f"/explain?url=https%3A%2F%2Fa.example%2F{n}" for n in range(0, len(ATTACKS), 7)]
    assert shapes_of(attacked, pages) - known == set()
    path = "/articles"
    while path:
        assert shapes_of(attacked, [path]) - known == set()
        path = next(iter(read(attacked, path).xpath("//a[@rel='next']/@href")), "")


@pytest.mark.parametrize("attack", ATTACKS[::3])
def test_F44_words_of_readers_make_no_markup(full: Site, attack: str) -> None:
    known = shapes_of(
        full, ["/articles?outlet=x&text=y&country=z", "/articles?code=x&tone_min=x&after=x", "/explain?url=x"]
    )
    typed = dict.fromkeys(("text", "outlet", "country", "code", "after", "days", "tone_min"), attack[:400])
    paths = [f"/articles?{urlencode(typed)}", f"/explain?{urlencode({'url': attack[:400]})}", f"/?{urlencode(typed)}"]
    known |= shapes_of(full, ["/"])
    assert shapes_of(full, paths) - known == set()


# The catalogues


def messages() -> set[str]:
    """All messages of templates and modules."""
    found: set[str] = set()
    for template in (REPORT / "templates").glob("*.html"):
        with template.open("rb") as file:
            options = {"trim_blocks": "true", "lstrip_blocks": "true"}
            found |= {
                _id(message) for _, _, message, _ in babel_extract(file, ("_", "gettext", "ngettext"), (), options)
            }
    for module in REPORT.rglob("*.py"):
        with module.open("rb") as file:
            keywords = {"N_": None, "gettext": None, "ngettext": (1, 2)}
            found |= {_id(message) for _, message, _, _ in extract("python", file, keywords)}
    book = load_codebook()
    found |= {*book.families.values(), *book.facts.values()}
    found |= {said for code in book.codes.values() for said in (code.title, code.definition)}
    return found - {""}


def _id(message: str | tuple[str, ...]) -> str:
    return message if isinstance(message, str) else message[0]


def japanese() -> dict[tuple[str, ...], tuple[str, ...]]:
    """The catalogues: forms of messages, with what they are in Japanese."""
    found: dict[tuple[str, ...], tuple[str, ...]] = {}
    for path in (REPORT / "locales" / "ja").glob("*.po"):
        with path.open("rb") as file:
            found |= {
                _forms(message.id): _forms(message.string) for message in read_po(file, locale="ja") if message.id
            }
    return found


def _forms(message: str | Iterable[str]) -> tuple[str, ...]:
    return (message,) if isinstance(message, str) else tuple(message)


def test_every_message_has_its_japanese() -> None:
    assert sorted(messages() - {forms[0] for forms, said in japanese().items() if all(said)}) == []
    assert Words("ja").ngettext("%(n)s article", "%(n)s articles", 5) == "記事%(n)s件"


def test_translations_keep_the_places_of_values() -> None:
    place = re.compile(r"%\(\w+\)s|</?strong>")
    wrong = {
        forms: said
        for forms, said in japanese().items()
        if any(set(place.findall(forms[-1])) != set(place.findall(one)) for one in said)
    }
    assert wrong == {}


# The style sheet


def palettes() -> dict[str, dict[str, str]]:
    css = (REPORT / "static" / "treatywatch.css").read_text(encoding="utf-8")
    light, dark = re.findall(r":root \{(.*?)\}", css, re.DOTALL)[:2]
    first = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})\b", light))
    return {"light": first, "dark": first | dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})\b", dark))}


def contrast(one: str, other: str) -> float:
    """The contrast of two colours after WCAG 2."""
    lights = sorted(_luminance(colour) for colour in (one, other))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


PAPERS = ("paper", "raised", "sunk", "vigilant-tint", "optimistic-tint", "neutral-tint", "warn-tint")


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_words_stand_out_from_their_paper(mode: str) -> None:
    colours = palettes()[mode]
    pairs = [("ink", paper) for paper in PAPERS] + [("on-brand", "brand")]
    pairs += [(name, paper) for name in ("soft", "link", "warn-line") for paper in ("paper", "raised", "warn-tint")]
    weak = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in pairs}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_marks_stand_out_from_their_paper(mode: str) -> None:
    colours = palettes()[mode]
    marks = [*(f"tone-{step}" for step in range(5)), "vigilant-line", "optimistic-line", "neutral-line", "strong-line"]
    weak = {mark: contrast(colours[mark], colours[paper]) for mark in marks for paper in ("paper", "raised")}
    assert {mark: ratio for mark, ratio in weak.items() if ratio < 3} == {}
