"""The command line as its users meet it: a process, its output, its exit code."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crowd import Crowd
from tests.loopback import Loopback, answer

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT.parent / "shared" / "sample" / "articles.jsonl"


def treatywatch(*arguments: str | Path, home: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command with `home` as its data directory and no terminal."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TREATYWATCH_")}
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=environment | {"TREATYWATCH_STORAGE__DATA_DIR": str(home), "COLUMNS": "200"},
    )


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The settings of a database with coverage in it."""
    home = tmp_path_factory.mktemp("scored")
    with Crowd(3, 8) as crowd:
        settings = crowd.settings(home)
        done = treatywatch("--config", settings, "run", "--json", home=home)
    assert done.returncode == 0, done.stderr
    return settings


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["run", "--help"], ["feeds", "--help"], ["codebook", "--help"], ["query", "--help"], ["--version"]],
)
def test_help_answers(arguments: list[str], tmp_path: Path) -> None:
    done = treatywatch(*arguments, home=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "treatywatch" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "fetch.timout_s=3", "feeds", "list"], "did you mean 'timeout_s'?"),
        (["--config", "none.toml", "feeds", "list"], "none.toml: can't be read"),
        (["nonsense"], "No such command"),
        (["query", "--code", "face_vlue"], "did you mean 'face_value'?"),
        (["query", "--kind", "wires"], "did you mean 'wire'?"),
        (["score", "none.jsonl"], "none.jsonl does not exist"),
        (["doctor", "--only", "databse"], "did you mean 'database'?"),
    ],
)
def test_wrong_usage_is_status_2_with_a_way_out(arguments: list[str], message: str, tmp_path: Path) -> None:
    done = treatywatch(*arguments, home=tmp_path)
    said = " ".join(done.stderr.replace("│", " ").split())
    assert (done.returncode, message in said) == (2, True), done.stderr


def test_a_database_that_cannot_be_used_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "coverage.db").write_bytes(b"this is no database, it is only text" * 100)
    done = treatywatch("query", home=tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("treatywatch: ")


@pytest.mark.model
def test_query_gives_the_same_articles_as_table_json_and_csv(scored: Path) -> None:
    home = scored.parent
    as_json = json.loads(treatywatch("--config", scored, "query", "--json", home=home).stdout)
    as_csv = list(csv.DictReader(io.StringIO(treatywatch("--config", scored, "query", "--csv", home=home).stdout)))
    table = treatywatch("--config", scored, "query", home=home).stdout
    assert len(as_json["rows"]) > 5
    assert [row["url"] for row in as_json["rows"]] == [row["url"] for row in as_csv]
    assert all(row["outlet"] in table for row in as_json["rows"])


@pytest.mark.model
def test_query_filters_and_pages(scored: Path) -> None:
    home = scored.parent

    def rows(*arguments: str) -> list[dict[str, object]]:
        found: list[dict[str, object]] = json.loads(
            treatywatch("--config", scored, "query", "--json", *arguments, home=home).stdout
        )["rows"]
        return found

    everything = rows()
    assert {row["language"] for row in rows("--language", "ja")} == {"ja"}
    assert len(rows("--limit", "2")) == 2
    assert rows("--tone-min", "0.5") == [row for row in everything if float(str(row["tone"])) >= 0.5]
    assert {row["language"] for row in rows("平和条約")} == {"ja"}


@pytest.mark.model
def test_explain_says_why_in_and_why_out(scored: Path) -> None:
    home = scored.parent
    url = json.loads(treatywatch("--config", scored, "query", "--json", home=home).stdout)["rows"][0]["url"]
    inside = treatywatch("--config", scored, "explain", url, home=home)
    outside = treatywatch("--config", scored, "explain", "https://nowhere.example/", home=home)
    assert (inside.returncode, "In: scored" in inside.stdout) == (0, True)
    assert (outside.returncode, "is unknown" in outside.stdout) == (1, True)
    assert json.loads(treatywatch("--config", scored, "explain", url, "--json", home=home).stdout)["evidence"]


@pytest.mark.model
def test_run_says_per_feed_what_failed_and_exits_1_with_the_store_intact(scored: Path) -> None:
    home = scored.parent
    before = treatywatch("--config", scored, "query", "--json", home=home).stdout
    done = treatywatch(
        "--config", scored, "--set", "poll.min_interval_s=1", "run", "--feed", _first_feed(scored), home=home
    )
    assert done.returncode == 1
    assert "connect" in done.stdout
    assert treatywatch("--config", scored, "query", "--json", home=home).stdout == before


def _first_feed(settings: Path) -> str:
    import tomllib

    feeds = tomllib.loads((settings.parent / "feeds.toml").read_text(encoding="utf-8"))["feed"]
    return str(feeds[0]["url"])


@pytest.mark.model
def test_score_reads_standard_input_and_reports_bad_lines(tmp_path: Path) -> None:
    good = {"id": 7, "title": "Putin wants treaty", "text": "Putin said that a peace treaty with Japan is near."}
    done = treatywatch("score", "-", home=tmp_path, stdin=f"{json.dumps(good)}\nnonsense\n")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert (lines[0]["id"], lines[1]["line"], "error" in lines[1]) == (7, 2, True)


@pytest.mark.model
@pytest.mark.skipif(not SAMPLE.is_file(), reason="the sample ../shared/sample is not here")
def test_the_shared_sample_gives_a_valid_line_for_every_article(tmp_path: Path) -> None:
    done = treatywatch("score", SAMPLE, home=tmp_path)
    given = [json.loads(line) for line in SAMPLE.read_text(encoding="utf-8").splitlines()]
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert [line["id"] for line in lines] == [article["id"] for article in given]
    for article, line in zip(given, lines, strict=True):
        for item in line["evidence"]:
            field = "title" if item.get("in") == "title" else "text"
            assert article[field][item["start"] : item["end"]] == item["text"]


def test_feeds_can_be_listed_and_travel_as_opml(tmp_path: Path) -> None:
    listed = json.loads(treatywatch("feeds", "list", "--json", home=tmp_path).stdout)
    opml = tmp_path / "feeds.opml"
    assert treatywatch("feeds", "export", "--into", opml, home=tmp_path).returncode == 0
    back = treatywatch("feeds", "import", opml, home=tmp_path)
    (tmp_path / "none.toml").write_text("feed = []\n")
    fresh = treatywatch("--set", f"feeds.file={tmp_path / 'none.toml'}", "feeds", "import", opml, home=tmp_path)
    assert "0 new feeds" in back.stderr
    assert fresh.stdout.count("[[feed]]") == len(listed)


def test_feeds_check_says_what_each_feed_gave(tmp_path: Path) -> None:
    rss = b"<rss version='2.0'><channel><title>T</title><item><title>A</title><link>/a</link></item></channel></rss>"
    with Loopback({"/ok.xml": answer(rss), "/bad.xml": answer(b"<html></html>")}) as server:
        allow = "fetch.allow_networks=['127.0.0.0/8']"
        good, bad = (
            treatywatch("--set", allow, "feeds", "check", "--feed", server.url(path), "--json", home=tmp_path)
            for path in ("/ok.xml", "/bad.xml")
        )
    assert (good.returncode, json.loads(good.stdout)[0]["outcome"], json.loads(good.stdout)[0]["entries"]) == (
        0,
        "ok",
        1,
    )
    assert (bad.returncode, json.loads(bad.stdout)[0]["outcome"]) == (1, "not_a_feed")


def test_feeds_discover_finds_what_a_page_announces(tmp_path: Path) -> None:
    page = b'<html><head><link rel="alternate" type="application/rss+xml" title="News" href="/rss.xml"></head></html>'
    with Loopback({"/": answer(page, content_type="text/html")}) as server:
        allow = "fetch.allow_networks=['127.0.0.0/8']"
        done = treatywatch("--set", allow, "feeds", "discover", server.url("/"), "--json", home=tmp_path)
        assert [row["url"] for row in json.loads(done.stdout)] == [server.url("/rss.xml")]


def test_codebook_check_counts_the_corpus(tmp_path: Path) -> None:
    done = treatywatch("codebook", "check", "--json", home=tmp_path)
    counts = json.loads(done.stdout)
    assert (done.returncode, counts["faults"]) == (0, [])
    assert min(min(row.values()) for row in counts["counts"].values()) >= 25


@pytest.mark.model
def test_doctor_examines_everything_and_says_what_to_do(tmp_path: Path) -> None:
    done = treatywatch("doctor", "--json", home=tmp_path)
    findings = {finding["check"]: finding for finding in json.loads(done.stdout)}
    assert findings.keys() == {
        "settings",
        "feeds",
        "codebook",
        "database",
        "passes",
        "polling",
        "alarms",
        "mail",
        "model",
        "disk",
        "clock",
    }
    assert [name for name, finding in findings.items() if not finding["ok"]] in (["settings"], ["settings", "disk"])
    assert "fetch.contact" in findings["settings"]["advice"]
    assert done.returncode == 1


def test_json_output_stays_clean_of_logs(tmp_path: Path) -> None:
    done = treatywatch("--set", "log.level=debug", "feeds", "list", "--json", home=tmp_path)
    assert json.loads(done.stdout)
