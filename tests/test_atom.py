"""The Atom feed, read back by the library that feeds are read with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import feedparser
import pytest
from lxml import etree

from pipeline.report.atom import Scored, atom
from pipeline.report.words import Words
from storage import queries, scores
from storage.database import Database, open_database
from tests.samples import NOW, RUN, add_article, article, score
from tests.stores import fill
from tests.web import Site

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    database = open_database(f"sqlite:///{tmp_path / 'coverage.db'}")
    found = Site(database, requests_per_minute=10**9)
    yield found
    found.close()
    database.close()


def read(site: Site, query: str = "") -> Any:
    answer = site.ask(f"/api/v1/articles.atom{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/atom+xml")
    parsed = feedparser.parse(answer.content)
    assert not parsed.bozo, parsed.bozo_exception
    return parsed


def test_an_entry_tells_tone_and_evidence_in_plain_words(site: Site) -> None:
    with site.database.write() as connection:
        add_article(connection, article(title="<Talks> & hope"), tone=0.5, face_value=0.8)
    parsed = read(site)
    (entry,) = parsed.entries
    assert (entry.title, entry.link, entry.author) == ("<Talks> & hope", "https://a.example/1", "Asahi")
    assert entry.summary.startswith("Tone +0.50 ([+0.20, +0.80]): rather credulous.")
    assert "It leaves out: " in entry.summary
    assert "“Talks go on” (Words taken at face value)" in entry.summary
    assert [tag.term for tag in entry.tags] == ["face_value"]
    assert (entry.published_parsed[:5], entry.updated_parsed[:5]) == ((2024, 5, 1, 8, 30), (2024, 5, 1, 9, 30))


def test_the_feed_has_what_the_standard_asks_for(site: Site) -> None:
    with site.database.write() as connection:
        fill(connection, 5, seed=2)
    root = etree.fromstring(site.ask("/api/v1/articles.atom?language=ja").content)
    for element in (root, *root.findall(f"{ATOM}entry")):
        for name in ("id", "title", "updated"):
            assert len(element.findall(f"{ATOM}{name}")) == 1
        assert element.find(f"{ATOM}id").text.startswith("urn:uuid:")
        assert element.find(f"{ATOM}author/{ATOM}name").text
    ids = [found.text for found in root.iter(f"{ATOM}id")]
    assert len(set(ids)) == len(ids)
    (own,) = [link for link in root.findall(f"{ATOM}link") if link.get("rel") == "self"]
    assert own.get("href") == "http://127.0.0.1/api/v1/articles.atom?language=ja"


def test_the_last_scored_come_first_and_filters_hold(site: Site) -> None:
    with site.database.write() as connection:
        fill(connection, 60, seed=4)
    assert len(read(site).entries) == 50
    few = read(site, "?outlet=TASS&limit=3").entries
    assert [entry.author for entry in few] == ["TASS"] * 3
    with site.database.read() as connection:
        newest = queries.latest_scored(connection, limit=3)
    assert [entry.link for entry in read(site, "?limit=3").entries] == [row.url for row in newest]
    assert [row.score_id for row in newest] == [60, 59, 58]


def test_an_article_that_is_scored_anew_keeps_its_id_and_is_updated(site: Site) -> None:
    judged = article()
    with site.database.write() as connection:
        stored = add_article(connection, judged, tone=0.5)
    (before,) = read(site).entries
    later = NOW + timedelta(days=3)
    with site.database.write() as connection:
        run_id = scores.ensure_run(connection, type(RUN)(**{**_as_dict(RUN), "heads_hash": "4"}), later)
        from tests.samples import RELEVANT

        scores.save_screening(connection, stored.revision_id, run_id, RELEVANT, later)
        scores.save_score(connection, stored.revision_id, run_id, score(judged, -0.5), later)
        _let_stand(connection, run_id)
    (after,) = read(site).entries
    assert (after.id, after.updated > before.updated) == (before.id, True)
    assert "rather vigilant" in after.summary


def _as_dict(run: Any) -> dict[str, Any]:
    return {name: getattr(run, name) for name in run.__dataclass_fields__}


def _let_stand(connection: Any, run_id: int) -> None:
    from sqlalchemy import update

    from storage.schema import runs

    connection.execute(update(runs).where(runs.c.id == run_id).values(turn=10**6))


def test_an_empty_feed_is_a_feed(site: Site) -> None:
    parsed = read(site)
    assert (parsed.entries, parsed.feed.updated) == ([], "1970-01-01T00:00:00Z")


def test_the_feed_is_told_in_japanese(database: Database) -> None:
    with database.write() as connection:
        add_article(connection, article(), tone=0.5, face_value=0.8)
    with database.read() as connection:
        (row,) = queries.latest_scored(connection)
        told = [Scored(article=row, evidence=queries.evidence(connection, row.score_id))]
    page = atom(told, url="https://w.example/api/v1/articles.atom", words=Words("ja"))
    (entry,) = feedparser.parse(page).entries
    assert entry.summary.startswith("論調 +0.50（[+0.20, +0.80]）：やや楽観的。")
    assert "触れていない背景：" in entry.summary


def test_an_address_that_is_none_of_the_web_is_no_link(database: Database) -> None:
    with database.write() as connection:
        add_article(connection, article("javascript:alert(1)"), tone=0.5)
    with database.read() as connection:
        (row,) = queries.latest_scored(connection)
    page = atom([Scored(article=row, evidence=())], url="https://w.example/", words=Words("en"))
    assert b"javascript" not in page


def test_an_unchanged_feed_is_not_sent_again(site: Site) -> None:
    tag = site.ask("/api/v1/articles.atom").headers["etag"]
    assert site.ask("/api/v1/articles.atom", headers={"If-None-Match": tag}).status_code == 304
