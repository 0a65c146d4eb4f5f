"""The demo: the real pipeline on the bundled sample outlets."""

from __future__ import annotations

import shlex
from collections import Counter
from pathlib import Path

import pytest

from config.settings import load
from pipeline.cli.tables import next_commands
from pipeline.demo.outlets import sample_outlets
from pipeline.demo.play import Played, play
from pipeline.errors import TreatywatchError
from pipeline.passes import Quiet
from storage.database import open_database
from storage.queries import coverage, explain
from tests.test_cli import treatywatch


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Played, Played, Path]:
    """The demo played twice in one place."""
    home = tmp_path_factory.mktemp("demo")
    runs = [play(load(flags=[f"storage.data_dir={home}"], environ={}), home, 8734, Quiet()) for _ in range(2)]
    return runs[0], runs[1], home


def test_the_sample_is_as_large_and_as_mixed_as_it_should_be() -> None:
    outlets = sample_outlets()
    articles = [article for outlet in outlets for article in outlet.articles]
    tones = Counter(article.tone for article in articles)
    assert len(outlets) >= 8
    assert len(articles) >= 60
    assert 0.4 < tones["-"] / len(articles) < 0.6
    assert set(tones) == {"-", "+1", "+0.5", "0", "-0.5", "-1"}
    assert {outlet.language for outlet in outlets} == {"en", "ja", "ru"}
    assert {outlet.format for outlet in outlets} == {"rss", "atom", "json", "sitemap"}
    assert sum(bool(article.wire_of) for article in articles) >= 3
    assert sum(bool(article.edited_text) for article in articles) >= 1
    assert (max(a.date for a in articles) - min(a.date for a in articles)).days <= 30


def test_sample_pages_can_be_written_in_their_charset() -> None:
    for outlet in sample_outlets():
        for article in outlet.articles:
            for edition in ("morning", "evening"):
                text = article.title_in(edition) + article.text_in(edition) + article.summary
                assert text.encode(outlet.charset).decode(outlet.charset) == text


@pytest.mark.model
def test_every_sample_article_ends_scored_or_dropped_with_a_reason(played: tuple[Played, Played, Path]) -> None:
    first, _, _ = played
    total = sum(len(outlet.articles) for outlet in sample_outlets())
    funnel = first.funnel
    assert not first.failed
    assert (funnel.announced, funnel.waiting) == (total, 0)
    gated = sum(n for (stage, _), n in funnel.dropped.items() if stage == "gate")
    assert gated + funnel.articles == total
    assert funnel.scored == funnel.relevant


@pytest.mark.model
def test_a_second_demo_fetches_no_page_and_scores_nothing(played: tuple[Played, Played, Path]) -> None:
    first, second, _ = played
    feeds = len(sample_outlets())
    assert {outcome.outcome for report in second.reports for outcome in report.feeds} == {"unchanged"}
    assert second.requests == {304: feeds, 200: feeds}  # the feeds, and a robots.txt for each
    assert second.funnel == first.funnel


@pytest.mark.model
def test_an_edited_article_has_two_revisions_and_a_lower_tone(played: tuple[Played, Played, Path]) -> None:
    database = open_database(f"sqlite:///{played[2] / 'coverage.db'}")
    with database.read() as connection:
        found = explain(connection, "http://harbour-times.localhost:8734/greenhouses-before-flags.html")
    database.close()
    assert found is not None
    assert [row["number"] for row in found.revisions] == [1, 2]
    assert found.scores[1]["tone"] < found.scores[0]["tone"]


@pytest.mark.model
def test_old_charsets_survive_the_way_from_page_to_store(played: tuple[Played, Played, Path]) -> None:
    database = open_database(f"sqlite:///{played[2] / 'coverage.db'}")
    with database.read() as connection:
        titles = {row.title for row in coverage(connection, limit=1000).rows}
    database.close()
    known = {
        article.title_in(edition)
        for outlet in sample_outlets()
        for article in outlet.articles
        for edition in ("morning", "evening")
    }
    assert titles
    assert titles <= known


@pytest.mark.model
def test_the_scores_agree_with_the_intended_tones(played: tuple[Played, Played, Path]) -> None:
    """A floor under quality, on texts by an author that no head was trained on."""
    from pipeline.train.measure import spearman

    intended = {
        f"http://{outlet.host}:8734/{article.slug}.html": article.tone
        for outlet in sample_outlets()
        for article in outlet.articles
    }
    database = open_database(f"sqlite:///{played[2] / 'coverage.db'}")
    with database.read() as connection:
        scored = {row.url: row.tone for row in coverage(connection, limit=1000).rows}
    database.close()
    both = [(float(intended[url]), tone) for url, tone in scored.items() if intended[url] != "-"]
    on_topic = sum(tone != "-" for tone in intended.values())
    assert len(both) >= 0.9 * on_topic
    assert len(scored) - len(both) <= 2
    assert spearman(*zip(*both, strict=True)) >= 0.75


def test_a_port_that_is_taken_is_a_clear_error(tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(TreatywatchError, match="--port"):
            play(load(flags=[f"storage.data_dir={tmp_path}"], environ={}), tmp_path, port, Quiet())


def test_the_commands_to_go_on_with_name_the_demos_own_data(played: tuple[Played, Played, Path]) -> None:
    first, _, home = played
    lines = [shlex.split(line) for line in next_commands(first, ".venv/bin/treatywatch") if not line.startswith("#")]
    assert [line[3] for line in lines] == ["serve", "explain", "export", "digest"]
    assert {tuple(line[:3]) for line in lines} == {(".venv/bin/treatywatch", "--set", f"storage.data_dir={home}")}
    for line in lines[1:]:  # serve would not end
        assert treatywatch(*line[1:], home=home).returncode == 0
    assert (home / "scores.csv").read_text(encoding="utf-8").count("\n") > 30
    assert "<html" in (home / "preview.html").read_text(encoding="utf-8")


def test_the_commands_to_go_on_with_are_called_as_the_demo_was(played: tuple[Played, Played, Path]) -> None:
    assert next_commands(played[0], "pipeline/__main__.py")[1].startswith("treatywatch --set ")
