"""The pages of comparison, of the watching, of the archive and of the codebook."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import lxml.html
import pytest
from sqlalchemy import update

from config.codebook import load_codebook
from pipeline.report.pages.codebook import quality
from pipeline.report.words import Words, each_tongue
from storage import digests, queries
from storage.database import open_database
from storage.schema import feeds
from tests.gathered import NOW, OUTLETS, gather
from tests.samples import add_article, article, source
from tests.web import Site, site

FEW = "Аналитика Востока"
ROOT = Path(__file__).parents[1]
SENT = """<html><head><style>h1 { color: red }</style><title>t</title></head><body><div>seen in the inbox</div>
<table><tr><td style="color: red"><h1>Digest</h1><h2>Stories</h2><p onclick="x()">Talks &lt;go&gt; on</p>
<script>alert(1)</script><img src="https://evil.example/pixel"><a href="javascript:x()">no</a>
<a href="https://a.example/1">yes</a><!-- way out --></td></tr></table></body></html>"""


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    database = open_database(f"sqlite:///{tmp_path_factory.mktemp('comparing') / 'coverage.db'}")
    gather(database, months=3)
    found = Site(database)
    yield found
    found.close()
    database.close()


def page(watch: Site, path: str, **headers: str) -> Any:
    answer = watch.ask(path, headers={"accept": "text/html", **headers})
    assert answer.status_code == 200, (path, answer.status_code)
    return lxml.html.fromstring(answer.text)


def rows_of(watch: Site, name: str, query: str = "") -> list[dict[str, str]]:
    answer = watch.ask(f"/charts/{name}.csv?{query}")
    assert answer.text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(answer.text[1:])))


def ranked(found: Any) -> list[str]:
    return [cell.text_content().strip() for cell in found.xpath("//table[contains(@class, 'stack')]/tbody/tr/th")]


def test_outlets_are_ranked_by_tone_and_those_with_too_few_articles_are_named_with_their_number(watch: Site) -> None:
    found = page(watch, "/outlets")
    with watch.database.read() as connection:
        rows = queries.by_group(connection, group="outlet")
    assert ranked(found) == [row.group for row in rows if row.tone is not None]
    assert len(ranked(found)) == len(OUTLETS) - 1
    assert [one.text_content() for one in found.xpath("//ul[@class='tags']/li")] == [f"{FEW} (3)"]


def test_no_outlet_is_ranked_where_all_have_too_few_articles(watch: Site) -> None:
    day = (NOW - timedelta(days=1)).date().isoformat()
    found = page(watch, f"/outlets?from={day}")
    assert ranked(found) == []
    assert not found.xpath("//img[@data-chart]")
    assert "No group has enough articles for a mean tone." in found.text_content()


def test_each_mean_has_an_interval_and_a_mean_at_constant_mix(watch: Site) -> None:
    row = page(watch, "/outlets").xpath("//table/tbody/tr")[0].text_content()
    assert len(re.findall(r"\[[+−]\d\.\d\d, [+−]\d\.\d\d\]", row)) == 2
    assert "n = " in row


@pytest.mark.parametrize("name", ["tone", "volume", "outlets", "outlets-in-time", "codes", "omitted", "voices"])
@pytest.mark.parametrize("tongue", each_tongue())
def test_a_chart_lies_at_an_address_as_a_picture_and_as_its_definition(watch: Site, name: str, tongue: str) -> None:
    drawn = watch.ask(f"/charts/{name}.svg?lang={tongue}&width=350&dark=1")
    assert (drawn.status_code, drawn.headers["content-type"]) == (200, "image/svg+xml")
    assert drawn.text.startswith("<svg")
    assert "<script" not in drawn.text
    defined = watch.ask(f"/charts/{name}.json?lang={tongue}").json()
    assert defined["$schema"].startswith("https://vega.github.io/schema/vega-lite/")
    assert FEW not in json.dumps(defined, ensure_ascii=False) or name == "voices"


def test_a_chart_follows_the_filter_of_its_page(watch: Site) -> None:
    found = page(watch, "/outlets?language=ja&period=week")
    picture = found.xpath("//img[@data-chart]")[0].get("src")
    assert "language=ja" in picture
    assert "period=week" in picture
    assert {row["group"] for row in rows_of(watch, "outlets", "language=ja")} == {
        "朝凪日報",
        "北星通信",
        "根室海峡新聞",
    }


def test_a_picture_has_its_figures_in_words(watch: Site) -> None:
    said = page(watch, "/outlets").xpath("//img[@data-chart]")[0].get("alt")
    with watch.database.read() as connection:
        first = queries.by_group(connection, group="outlet")[0]
    assert first.tone is not None
    assert f"{first.group}: {Words('en').tone_number(first.tone)}" in said
    assert f"{FEW} (3)" in said


def test_a_chart_s_rows_can_be_had_as_a_file_with_nothing_where_there_are_too_few(watch: Site) -> None:
    rows = {row["group"]: row for row in rows_of(watch, "outlets")}
    assert rows[FEW]["articles"] == "3"
    assert {rows[FEW][name] for name in ("tone", "interval_low", "mixed_tone", "outlook")} == {""}
    assert -1 < float(rows["Harbour Times"]["interval_low"]) < float(rows["Harbour Times"]["tone"]) < 0


def test_a_file_holds_no_formula(tmp_path: Path) -> None:
    with site(tmp_path) as watch:
        with watch.database.write() as connection:
            judged = article("https://x.example/1", outlet='=HYPERLINK("x")')
            add_article(connection, judged, tone=0.1, feed=source("https://x.example/f", outlet='=HYPERLINK("x")'))
        assert rows_of(watch, "outlets")[0]["group"] == """'=HYPERLINK("x")"""


@pytest.mark.parametrize(
    "path",
    [
        "/charts/outlets.svg?from=never", "/charts/outlets.csv?language=xx", "/charts/secrets.svg",
        "/charts/tone.svg?width=9", "/charts/tone.svg?width=99999", "/charts/tone.json?dark=perhaps",
    ],
)  # fmt: skip
def test_a_chart_that_can_t_be_drawn_is_refused(watch: Site, path: str) -> None:
    assert watch.ask(path).status_code == 422


@pytest.mark.parametrize("place", ["/outlets", "/codes"])
def test_a_filter_that_can_t_be_read_is_marked(watch: Site, place: str) -> None:
    found = page(watch, f"{place}?from=never")
    assert found.xpath("//input[@name='from']")[0].get("aria-invalid") == "true"


def test_codes_are_told_with_share_interval_and_their_family(watch: Site) -> None:
    found = page(watch, "/codes")
    with watch.database.read() as connection:
        first = queries.code_shares(connection)[0]
    title = load_codebook().codes[first.code].title
    row = next(row for row in found.xpath("//tbody/tr") if row.xpath(f".//a[contains(@href, 'code={first.code}')]"))
    assert title in row.text_content()
    assert f"{round(100 * (first.share or 0))} %" in row.text_content()
    assert FEW in found.text_content()


def test_codes_have_japanese_titles_for_japanese_readers(watch: Site) -> None:
    found = page(watch, "/codes?lang=ja").text_content()
    assert {code.title for code in load_codebook().codes.values() if code.title in found} == set()


def test_feeds_tell_their_state_since_when_and_why(watch: Site) -> None:
    with watch.database.write() as connection:
        failing = {"state": "failing", "reason": "tls", "failures": 4, "state_since": NOW - timedelta(days=2)}
        connection.execute(update(feeds).where(feeds.c.outlet == "Meridian Wire").values(failing))
    found = page(watch, "/feeds")
    row = next(row for row in found.xpath("//tr") if "Meridian Wire" in row.text_content()).text_content()
    assert "fails" in row
    assert "the outlet's certificate is not in order" in row
    assert "(4 times in a row)" in row
    assert Words("en").moment(NOW - timedelta(days=2)) in row
    assert f"{len(OUTLETS) - 1} of {len(OUTLETS)} feeds answer." in found.text_content()


def test_the_funnel_adds_up_and_names_why_entries_were_left_out(watch: Site) -> None:
    found = page(watch, "/feeds")
    table = found.xpath("//section[@aria-labelledby='funnel']//tbody/tr")
    cells = [[cell.text_content().strip() for cell in row.xpath("./td")] for row in table]
    announced, waiting, extracted = (sum(int(row[at].replace(",", "")) for row in cells) for at in (0, 1, 3))
    with watch.database.read() as connection:
        days = queries.feed_days(connection, since=NOW - timedelta(days=14))
    assert announced == extracted + waiting
    assert 0 < announced <= sum(day.announced for day in days)
    assert "1 no word shows that it is about a treaty or the islands" in found.text_content()


def test_credentials_of_a_feed_are_not_shown(tmp_path: Path) -> None:
    with site(tmp_path) as watch:
        with watch.database.write() as connection:
            add_article(connection, article(), feed=source("https://user:secret@a.example/feed"))
        assert "secret" not in watch.ask("/feeds", headers={"accept": "text/html"}).text


def sent(day: int, **changes: Any) -> dict[str, Any]:
    at = NOW - timedelta(days=day)
    times = {"covers_from": at - timedelta(days=1), "covers_to": at, "created_at": at, "day": at.date().isoformat()}
    said = {"subject": f"Day {day}", "html": SENT, "plain": "x", "figures": {}, "chart": b"\x89PNG"}
    return {"edition": "daily", "language": "en", "quiet": False, "run_id": None, **times, **said, **changes}


def test_the_archive_lists_digests_and_shows_each_as_it_was_without_what_could_harm(tmp_path: Path) -> None:
    with site(tmp_path) as watch:
        assert "No digest has been made yet." in page(watch, "/digests").text_content()
        with watch.database.write() as connection:
            ids = [digests.keep(connection, sent(day), []) for day in (2, 1)]
        listed = page(watch, "/digests").xpath("//tbody//a")
        assert [(one.text, one.get("href")) for one in listed] == [
            ("Day 1", f"/digests/{ids[1]}"),
            ("Day 2", f"/digests/{ids[0]}"),
        ]
        shown = page(watch, f"/digests/{ids[0]}").xpath("//article")[0]
        markup = lxml.html.tostring(shown, encoding="unicode")
        assert "Talks <go> on" in shown.text_content()
        assert shown.xpath(".//a/@href") == ["https://a.example/1"]
        assert not re.search("style|script|onclick|evil|inbox|way out|<h1", markup)
        assert watch.ask(f"/digests/{ids[0]}/chart.png").content == b"\x89PNG"


def test_the_archive_has_pages(tmp_path: Path) -> None:
    with site(tmp_path) as watch:
        with watch.database.write() as connection:
            for day in range(70, 0, -1):
                digests.keep(connection, sent(day, chart=None), [])
        first = page(watch, "/digests")
        older = page(watch, first.xpath("//a[@rel='next']/@href")[0])
        days = [one.text for found in (first, older) for one in found.xpath("//tbody//a")]
        assert days == [f"Day {day}" for day in range(1, 71)]
        assert not older.xpath("//a[@rel='next']")


@pytest.mark.parametrize("path", ["/digests/1", "/digests/1/chart.png"])
def test_a_digest_that_is_not_there_is_missing(tmp_path: Path, path: str) -> None:
    with site(tmp_path) as watch:
        assert watch.ask(path).status_code == 404


@pytest.mark.parametrize("tongue", each_tongue())
def test_the_codebook_shows_every_code_with_examples_in_every_language(watch: Site, tongue: Any) -> None:
    found, book, words = page(watch, f"/codebook?lang={tongue}"), load_codebook(), Words(tongue)
    for code in book.codes.values():
        (card,) = found.xpath(f"//*[@id='{code.id}']")
        told = card.text_content()
        assert words.gettext(code.title) in told
        assert words.gettext(code.definition) in told
        assert all(
            one in told for language in book.languages for one in code.exemplars[language] + code.counter[language]
        )
    assert all(words.gettext(fact) in found.text_content() for fact in book.facts.values())


def test_the_codebook_s_figures_are_those_of_the_model_card() -> None:
    card = (ROOT / "docs" / "model-card.md").read_text(encoding="utf-8").partition("Thirty stories")[0]
    table = {row[0]: row[1:] for row in re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \| (.+?) \| (.+?) \|$", card, re.M)}
    for measure in (
        "relevance F1",
        "family macro-F1",
        "code micro-F1",
        "tone ordinal alpha",
        "intervals at 80% that hold it",
    ):
        assert table[measure] == tuple(f"{quality()[group][measure]:.3f}" for group in ("en", "ja", "ru", "all"))


def test_the_codebook_shows_measured_figures_by_language(watch: Site) -> None:
    row = next(row for row in page(watch, "/codebook").xpath("//tbody/tr") if "ordinal alpha" in row.text_content())
    figures = [cell.text_content().strip() for cell in row.xpath("./td")]
    assert figures == [f"{quality()[group]['tone ordinal alpha']:.2f}" for group in ("all", "en", "ja", "ru")]


def test_a_digest_is_had_as_it_was_sent_under_a_policy_that_runs_nothing(tmp_path: Path) -> None:
    with site(tmp_path) as watch:
        with watch.database.write() as connection:
            number = digests.keep(connection, sent(1), [])
        links = page(watch, f"/digests/{number}").xpath("//main//a/@href")
        answers = {end: watch.ask(f"/digests/{number}.{end}") for end in ("html", "eml", "txt")}
        whole, mail, text = answers.values()
        policy = whole.headers["content-security-policy"]
        assert {f"/digests/{number}.{end}" for end in answers} <= set(links)
        assert [one.status_code for one in answers.values()] == [200, 200, 200]
        assert "default-src 'none'" in policy
        assert "; sandbox" in policy
        assert "script-src" not in policy
        assert "default-src 'self'" in mail.headers["content-security-policy"]
        assert whole.text.startswith(SENT[:20])
        assert message_from_bytes(mail.content)["Subject"] == "Day 1"
        assert (text.text, text.headers["content-disposition"].split(";")[0]) == ("x", "attachment")
        assert watch.ask("/digests/99.eml").status_code == 404
