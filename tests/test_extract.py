from __future__ import annotations

import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trafilatura

from config.sections import ExtractSettings
from config.settings import load
from pipeline.collect.extract import extract, from_summary
from pipeline.collect.languages import identify
from pipeline.demo.outlets import SampleOutlet, sample_outlets
from pipeline.demo.site import FEED_FILES, SampleSite
from pipeline.errors import ExtractError
from pipeline.records import Article, Entry, Feed, Fetched

sys.path.insert(0, str(Path(__file__).parent / "bench"))

import extract_pages

URL = "https://www.outlet.example/world/2024/talks.html"
NOW = datetime(2024, 11, 24, 12, tzinfo=UTC)
FEED = Feed(
    url="https://www.outlet.example/rss", outlet="The Wire", country="JP", language="en", kind="wire", format="rss"
)
ENTRY = Entry(guid="1", link=URL, title="Talks go on", summary="The talks go on.", published_at=NOW)
SETTINGS = load(environ={}).extract
PARAGRAPHS = tuple(
    f"The foreign minister said on day {day} that talks with Moscow about the islands would continue, aides said."
    for day in range(1, 6)
)
SECONDS = 5.0


def page(body: str | bytes, *, url: str = URL, content_type: str = "text/html; charset=utf-8") -> Fetched:
    raw = body.encode(errors="surrogatepass") if isinstance(body, str) else body
    return Fetched(url=url, final_url=url, status=200, body=raw, content_type=content_type, fetched_at=NOW)


def article_html(head: str = "", title: str = "Talks go on", paragraphs: tuple[str, ...] = PARAGRAPHS) -> str:
    text = "\n".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    return (
        f"<!doctype html><html lang='en'><head><title>{title} | The Wire</title>{head}</head><body>"
        "<header><nav><a href='/'>Home</a> <a href='/world'>World</a> <a href='/sport'>Sport</a></nav></header>"
        f"<article><h1>{title}</h1>{text}</article>"
        "<aside><ul><li><a href='/1'>Other story</a></li><li><a href='/2'>Another story</a></li></ul></aside>"
        "<footer>Copyright The Wire. All rights reserved.</footer></body></html>"
    )


def read(body: str | bytes, entry: Entry = ENTRY, *, settings: ExtractSettings = SETTINGS, url: str = URL) -> Article:
    return extract(page(body, url=url), entry, FEED, settings)


def refusal(body: str | bytes, content_type: str = "text/html", *, url: str = URL) -> ExtractError:
    with pytest.raises(ExtractError) as caught:
        extract(page(body, content_type=content_type, url=url), ENTRY, FEED, SETTINGS)
    return caught.value


# Text


def test_the_text_is_the_article_s_paragraphs_and_nothing_else() -> None:
    found = read(article_html())
    assert found.text == "\n".join(PARAGRAPHS)
    assert (found.outlet, found.title, found.language, found.partial) == ("The Wire", "Talks go on", "en", False)
    assert (found.published_at, found.extractor) == (NOW, f"trafilatura {trafilatura.__version__}")


def test_the_same_page_gives_the_same_article_every_time() -> None:
    assert len({read(article_html()) for _ in range(4)}) == 1


def test_the_hash_ignores_white_space_and_sees_every_word() -> None:
    spaced = tuple(paragraph.replace(" ", " \n\t ") for paragraph in PARAGRAPHS)
    edited = (*PARAGRAPHS[:4], PARAGRAPHS[4].replace("continue", "end"))
    hashes = [read(article_html(paragraphs=text)).content_hash for text in (PARAGRAPHS, spaced, edited)]
    assert hashes[0] == hashes[1] != hashes[2]
    assert len(hashes[0]) >= 16


def test_pointers_to_other_articles_are_no_text() -> None:
    pointers = (
        "Read more: Japan and Russia sign at last",
        "関連記事：交渉は前進",
        "Читайте также: Договор подписан",
        "Also on rt.com Deal near",
    )
    mixed = tuple(text for pair in zip(PARAGRAPHS, (*pointers, "Related: All is well"), strict=True) for text in pair)
    assert read(article_html(paragraphs=mixed)).text == "\n".join(PARAGRAPHS)


def test_an_overlong_text_is_cut_between_paragraphs() -> None:
    settings = ExtractSettings(min_chars=100, max_chars=300)
    assert read(article_html(), settings=settings).text == "\n".join(PARAGRAPHS[:2])


def test_F39_controls_are_stripped() -> None:
    dirty = tuple(text.replace("Moscow", "Mos\0\x0b&#0;\ufffecow") for text in PARAGRAPHS)
    found = read(article_html(paragraphs=dirty), replace(ENTRY, title=""))
    assert found.text == "\n".join(PARAGRAPHS)


def outlets() -> list[SampleOutlet]:
    return list(sample_outlets())


@pytest.mark.parametrize("outlet", outlets(), ids=lambda outlet: outlet.name)
def test_F31_the_sample_outlets_are_read_word_for_word_in_their_charsets(outlet: SampleOutlet) -> None:
    with SampleSite((outlet,), port=0, edition="morning") as site:
        base, feed_url = site.base(outlet), site.feed_url(outlet)
        feed = Feed(url=feed_url, outlet=outlet.name, country="JP", language="", kind="wire", format=outlet.format)
        for article in outlet.articles:
            url = f"{base}/{article.slug}.html"
            answer = site.answer(outlet.host, f"/{article.slug}.html")
            fetched = page(answer.body, url=url, content_type=answer.content_type)
            found = extract(fetched, Entry(guid=url, link=url, title="", summary="", published_at=None), feed, SETTINGS)
            paragraphs = article.text_in("morning").strip().split("\n\n")
            assert found.text == "\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
            assert (found.title, found.language) == (article.title_in("morning"), outlet.language)
            assert (found.published_at, found.byline) == (article.date.astimezone(UTC), article.byline)
    assert FEED_FILES[outlet.format] in feed_url


# Title, date, author, address


@pytest.mark.parametrize(
    ("in_feed", "on_page", "head", "chosen"),
    [
        ("Talks go on", "Something else entirely", "", "Talks go on"),
        ("", "Talks go on", "", "Talks go on"),
        ("", "Talks go on", "<meta property='og:title' content='Talks go on | The Wire'>", "Talks go on"),
        ("Talks go on | The Wire", "Talks go on", "", "Talks go on"),
        ("Talks go on - The Wire", "Talks go on", "", "Talks go on"),
        ("Talks about the islands g…", "Talks about the islands go on", "", "Talks about the islands go on"),
        ("Talks about the islands g...", "Islands", "", "Talks about the islands g..."),
        ("北方領土交渉｜朝日報", "北方領土交渉", "", "北方領土交渉"),
        ("Лавров: переговоры", "Лавров", "", "Лавров: переговоры"),
        ("Токио не признаёт войны — МИД", "Токио не признаёт войны", "", "Токио не признаёт войны — МИД"),
        ("", "Токио не признаёт войны — МИД", "", "Токио не признаёт войны — МИД"),
    ],
)
def test_the_better_title_is_chosen(in_feed: str, on_page: str, head: str, chosen: str) -> None:
    assert read(article_html(head, on_page), replace(ENTRY, title=in_feed)).title == chosen


JST = datetime(2024, 1, 1, 3, 30, tzinfo=UTC)
LD_JSON = '<script type="application/ld+json">{}</script>'
DATED = {
    '<meta property="article:published_time" content="2024-01-01T12:30:00+09:00">': JST,
    LD_JSON.format('{"@graph": [{"@type": ["NewsArticle"], "datePublished": "2024-01-01T12:30:00+09:00"}]}'): JST,
    '<meta name="pubdate" content="2024年1月1日 12:30">': JST,
    LD_JSON.format('{"broken') + '<meta itemprop="datePublished" content="2024-01-01 12:30 JST">': JST,
    '<meta property="article:published_time" content="9999-12-31T00:00:00Z">': None,
    "": None,
}


@pytest.mark.parametrize("head", DATED)
def test_the_page_s_date_is_taken_where_the_feed_has_none(head: str) -> None:
    assert read(article_html(head), replace(ENTRY, published_at=None)).published_at == DATED[head]
    assert read(article_html(head)).published_at == NOW


def test_the_feed_s_author_wins_over_the_page_s() -> None:
    head = LD_JSON.format('{"@type": "Article", "author": [{"name": "A. B&amp;C"}, {"name": "D"}]}')
    assert read(article_html(head), replace(ENTRY, author="E. F.")).byline == "E. F."
    assert read(article_html(head)).byline == "A. B&C, D"


@pytest.mark.parametrize(
    ("address", "declared", "chosen"),
    [
        (f"{URL}?utm_source=rss#top", "", URL),
        (f"{URL}?page=2", URL, f"{URL}?page=2"),
        ("https://m.outlet.example/world/2024/talks.html", URL, URL),
        ("https://www.outlet.example/world/2024/talks.html/amp/", URL, URL),
        (f"{URL}?utm_source=rss", "/world/2024/talks.html", URL),
        (URL, "https://www.outlet.example/", URL),
        (URL, "https://www.outlet.example/world/", URL),
        (URL, "https://other.example/world/2024/talks.html", URL),
        (URL, "javascript:alert(1)", URL),
        (
            "https://www.outlet.example/article?id=5",
            "https://www.outlet.example/article",
            "https://www.outlet.example/article?id=5",
        ),
        (
            "https://www.outlet.example/article?id=5",
            "https://www.outlet.example/world/talks",
            "https://www.outlet.example/world/talks",
        ),
    ],
)
def test_the_declared_address_counts_where_it_can_be_this_article_s(address: str, declared: str, chosen: str) -> None:
    head = f'<link rel="canonical" href="{declared}">' if declared else ""
    assert read(article_html(head), url=address).url == chosen


# What is no article


@pytest.mark.parametrize(
    ("body", "content_type", "reason"),
    [
        (b"", "text/html", "no_text"),
        (b" \n", "text/html", "no_text"),
        (b"%PDF-1.7\n...", "application/pdf", "not_html"),
        (b"%PDF-1.7\n...", "text/html", "not_html"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "image/png", "not_html"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 100, "text/html", "not_html"),
        (b"PK\x03\x04" + b"\0" * 100, "application/zip", "not_html"),
        (b"\0\0\0\x20ftypisom" + b"\0" * 100, "video/mp4", "not_html"),
        (b'{"a": "<p>b</p>"}', "application/json", "not_html"),
        (b"plain words", "text/plain", "not_html"),
        (b"<html><body></body></html>", "text/html", "no_text"),
        (article_html(paragraphs=("Short.",)).encode(), "text/html", "no_text"),
    ],
)
def test_F42_files_and_empty_pages_are_typed(body: bytes, content_type: str, reason: str) -> None:
    error = refusal(body, content_type)
    assert (error.reason, error.url) == (reason, URL)
    assert error.retry is (reason != "not_html")


def test_a_wrong_content_type_does_not_hide_a_page() -> None:
    assert extract(page(article_html(), content_type="application/octet-stream"), ENTRY, FEED, SETTINGS).text


WALLS = (
    "We value your privacy. We and our 842 partners store and access information on your device.",
    "Please enable JavaScript and cookies to continue.",
    "Доступ ограничен. Подтвердите, что вы не робот.",
    "JavaScriptを有効にしてください。",
)


@pytest.mark.parametrize("wall", WALLS)
def test_F42_a_consent_wall_is_no_article(wall: str) -> None:
    padding = tuple(f"Partner number {n} may use your precise location data for its own purposes." for n in range(6))
    assert refusal(article_html(title="One moment", paragraphs=(wall, *padding))).reason == "no_text"


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Page not found", "Sorry, the page you are looking for has moved to another place on our site. " * 5),
        (
            "お探しのページは見つかりません",
            "ページが見つかりませんでした。削除されたか、アドレスが変更された可能性があります。" * 8,
        ),
        ("Страница не найдена", "Возможно, материал был перемещён или удалён. Воспользуйтесь поиском по сайту. " * 5),
    ],
)
def test_F42_a_soft_404_is_no_article(title: str, text: str) -> None:
    with pytest.raises(ExtractError) as caught:
        read(article_html(title=title, paragraphs=(text,)), replace(ENTRY, title=""))
    assert caught.value.reason == "no_text"


def test_F42_a_link_that_now_leads_to_the_front_page_is_no_article() -> None:
    assert refusal(article_html(), url="https://www.outlet.example/").reason == "no_text"


@pytest.mark.parametrize(
    "notice",
    [
        "Subscribe to continue reading.",
        "この記事は有料会員限定です。残り 812文字",
        "Оформите подписку, чтобы читать дальше.",
    ],
)
def test_F42_the_opening_before_a_paywall_is_partial_and_the_notice_no_text(notice: str) -> None:
    found = read(article_html(paragraphs=(*PARAGRAPHS, notice)))
    assert (found.text, found.partial) == ("\n".join(PARAGRAPHS), True)
    assert refusal(article_html(paragraphs=(PARAGRAPHS[0], notice))).reason == "no_text"


def test_a_page_that_declares_itself_not_free_and_is_short_is_partial() -> None:
    head = LD_JSON.format('{"@type": "NewsArticle", "isAccessibleForFree": "False"}')
    assert read(article_html(head)).partial is True


def test_japanese_briefs_are_articles_at_half_the_length() -> None:
    text = "外務省は18日、ロシアの外務次官と電話で協議したと発表した。平和条約の締結問題と共同経済活動を取り上げた。"
    found = read(
        article_html(title="電話協議", paragraphs=(text, text.replace("18日", "19日"), text.replace("18日", "20日")))
    )
    assert SETTINGS.min_chars > len(found.text) > SETTINGS.min_chars / 2
    assert found.language == "ja"


# Hostile pages

BODY = "".join(f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS)
DEEP = {
    "div": "<div>" * 5000 + BODY + "</div>" * 5000,
    "unclosed div": "<div>" * 100_000 + BODY,
    "unknown elements": "<x-y>" * 5000 + BODY,
    "bold": "<article>" + "<b>" * 5000 + BODY,
    "lists": "<ul><li>" * 3000 + BODY,
    "tables": "<table><tr><td>" * 3000 + BODY,
}


@pytest.mark.parametrize("name", DEEP)
def test_F40_text_below_bottomless_nesting_is_found(name: str) -> None:
    began = time.perf_counter()
    found = read(f"<html><body>{DEEP[name]}</body></html>")
    assert all(paragraph in found.text for paragraph in PARAGRAPHS)
    assert time.perf_counter() - began < SECONDS


JUNK = {
    "tiny paragraphs": "<article>" + "<p>ab c.</p>" * 50_000,
    "line breaks": "<article><p>" + "text<br>" * 50_000,
    "spans": "<article><p>" + "<span>text </span>" * 50_000,
    "links": "<article><p>" + "<a href=x>text</a> " * 50_000,
    "list items": "<ul>" + "<li>item text here</li>" * 50_000,
    "data URI": f"<article>{BODY}<img src='data:image/png;base64,{'A' * 8_000_000}'>",
    "colspan": f"<article>{BODY}<table><tr><td colspan=999999999>x</td></tr></table>",
    "one word": "<p>" + "x" * 5_000_000,
    "tag openings": "<" * 500_000,
    "unclosed comments": "<!--" * 200_000,
    "unclosed scripts": "<script>" * 100_000,
    "unclosed attributes": "<p " + "a='" * 100_000,
    "nested JSON-LD": f"<script type='application/ld+json'>{'[' * 100_000}</script>{BODY}",
    "headings": "<h1>x</h1>" * 20_000 + BODY,
}


@pytest.mark.parametrize("name", JUNK)
def test_F41_junk_ends_soon_in_an_article_or_a_typed_error(name: str) -> None:
    began = time.perf_counter()
    try:
        found: Article | None = read(f"<html><body>{JUNK[name]}</body></html>")
    except ExtractError:
        found = None
    assert time.perf_counter() - began < SECONDS
    assert found is None or len(found.text) <= SETTINGS.max_chars


# The feed's own words


def test_a_summary_makes_a_partial_article() -> None:
    found = from_summary(replace(ENTRY, link=f"{URL}?utm_source=x", summary="Talks go on\nThe talks go on."), FEED)
    assert (found.url, found.title, found.text, found.partial) == (URL, "Talks go on", "The talks go on.", True)
    assert (found.language, found.published_at, found.extractor) == ("en", NOW, "summary")


def test_a_headline_alone_is_an_article_without_text() -> None:
    found = from_summary(replace(ENTRY, summary="", title="平和条約交渉", language="ja"), FEED)
    assert (found.text, found.language) == ("", "ja")


def test_entries_without_link_are_told_apart() -> None:
    urls = {from_summary(replace(ENTRY, link=None, guid=guid), FEED).url for guid in "ab"}
    assert len(urls) == 2


def test_an_entry_with_neither_title_nor_text_is_no_article() -> None:
    with pytest.raises(ExtractError) as caught:
        from_summary(replace(ENTRY, title="", summary=""), FEED)
    assert (caught.value.reason, caught.value.retry) == ("no_text", False)


# Languages


@pytest.mark.parametrize(
    ("text", "prior", "language"),
    [
        ("Putin keeps door open to Japan", "", "en"),
        ("日露平和条約交渉", "ja", "ja"),
        ("プーチン大統領は交渉を続けると述べた", "en", "ja"),
        ("日本和俄罗斯的和平条约谈判一直没有进展，双方立场差距很大", "ja", "zh"),
        (
            "日本外务省表示，日俄和平条约谈判没有取得进展，双方在领土归属问题上的立场仍然存在很大差距，今后将继续磋商。"
            * 3,
            "ja",
            "zh",
        ),
        ("Лавров: переговоры продолжатся", "", "ru"),
        ("Тревога цунами на Итурупе и Кунашире отменена", "ja", "ru"),
        ("Міністерство закордонних справ заявило, що переговори тривають", "ru", "uk"),
        ("Японските политици обсъдиха мирния договор с Русия", "ru", "bg"),
        ("러시아와 일본의 평화조약 협상이 중단됐다", "ja", "ko"),
        ("Le Premier ministre japonais a déclaré que les négociations continuent", "en", "fr"),
        ("NATO", "ru-RU", "ru"),
        ("", "ja", "ja"),
        ("", "", ""),
    ],
)
def test_the_language_is_told_by_script_and_words(text: str, prior: str, language: str) -> None:
    assert identify(text, prior=prior) == language


# Benchmark


def test_extraction_reaches_its_floor_on_the_article_extraction_benchmark() -> None:
    found, slowest = extract_pages.measure()
    if not found:
        pytest.skip(f"no benchmark under {extract_pages.BENCHMARK}")
    f1, precision, recall = extract_pages.f1(list(found.values()))
    assert len(found) == 181
    assert (f1 >= 0.965, precision >= 0.96, recall >= 0.97) == (True, True, True), (f1, precision, recall)
    assert slowest < SECONDS
