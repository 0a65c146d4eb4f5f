"""The commands that read coverage, on stored articles, and what the shell is offered for them."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from config.sources import load_feeds
from pipeline.cli.trends import BARS, GAP, sparkline
from storage import queries
from storage.database import open_database
from storage.queries import Filter
from tests.stores import fill
from tests.test_cli import ROOT, treatywatch

N = 60


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with articles in it."""
    directory = tmp_path_factory.mktemp("query")
    database = open_database(f"sqlite:///{directory / 'coverage.db'}")
    with database.write() as connection:
        fill(connection, N, seed=9)
    database.close()
    return directory


def told(home: Path, *arguments: str) -> Any:
    done = treatywatch("query", *arguments, "--json", home=home)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def ids(home: Path, sort: Any = "newest", **wanted: Any) -> list[int]:
    database = open_database(f"sqlite:///{home / 'coverage.db'}")
    with database.read() as connection:
        found = queries.coverage(connection, Filter(**wanted), sort=sort, limit=1000).rows
    database.close()
    return [row.article_id for row in found]


@pytest.mark.parametrize("sort", ["newest", "oldest", "credulous", "vigilant"])
def test_articles_come_in_the_order_asked_for(home: Path, sort: str) -> None:
    found = told(home, "--sort", sort, "--limit", "1000")["rows"]
    assert [row["article_id"] for row in found] == ids(home, sort)


def test_articles_that_leave_out_a_fact_are_found(home: Path) -> None:
    found = told(home, "--omitted", "motives", "--limit", "1000")["rows"]
    assert 0 < len(found) < N
    assert all("motives" in row["omitted"] for row in found)
    assert [row["article_id"] for row in found] == ids(home, omitted="motives")


def test_a_cursor_goes_on_where_the_page_ended(home: Path) -> None:
    first = told(home, "--sort", "vigilant", "--limit", "20")
    rest = told(home, "--sort", "vigilant", "--limit", "1000", "--after", first["next"])
    assert [row["article_id"] for row in first["rows"] + rest["rows"]] == ids(home, "vigilant")


@pytest.mark.parametrize("period", ["day", "week"])
def test_tone_is_told_by_period_and_group(home: Path, period: str) -> None:
    points = told(home, f"--by-{period}", "--min-n", "5")
    assert sum(point["n"] for point in points) == N
    assert [point["period"] for point in points] == sorted({point["period"] for point in points})
    grouped = told(home, f"--by-{period}", "--group", "language", "--min-n", "5")
    assert {point["group"] for point in grouped} == {"en", "ja", "ru"}
    assert sum(point["n"] for point in grouped) == N
    done = treatywatch("query", f"--by-{period}", "--csv", home=home)
    assert [row["period"] for row in csv.DictReader(io.StringIO(done.stdout))] == [point["period"] for point in points]
    table = treatywatch("query", f"--by-{period}", "--group", "language", home=home).stdout
    assert f"Tone by {period}" in table


def test_outlets_show_the_tone_of_their_last_weeks(home: Path) -> None:
    table = treatywatch("query", "--by-outlet", "--min-n", "5", home=home).stdout
    curves = [line.split()[-1] for line in table.splitlines() if line.strip().startswith(("Asahi", "TASS"))]
    assert "last weeks" in table
    assert [len(curve) for curve in curves] == [12, 12]
    assert set("".join(curves)) <= {*BARS, GAP}


def test_an_interval_is_two_columns_of_a_csv(home: Path) -> None:
    done = treatywatch("query", "--by-outlet", "--min-n", "5", "--csv", home=home)
    shown = {row["outlet"]: row for row in csv.DictReader(io.StringIO(done.stdout))}
    compared = [row for row in told(home, "--by-outlet", "--min-n", "5") if row["interval"]]
    assert compared
    for row in compared:
        csv_row = shown[row["outlet"]]
        assert [float(csv_row["interval_low"]), float(csv_row["interval_high"])] == row["interval"]


def test_outlets_without_a_mean_are_counted_beside_the_csv(home: Path) -> None:
    done = treatywatch("query", "--by-outlet", "--min-n", "1000", "--csv", home=home)
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert {row["tone"] for row in rows} == {""}
    assert done.stderr.startswith(f"{len(rows)} of {len(rows)} rows have no mean: fewer than 1000 articles (--min-n")
    assert treatywatch("query", "--by-outlet", "--min-n", "5", "--csv", home=home).stderr == ""


def test_a_curve_rises_from_vigilant_to_credulous() -> None:
    assert sparkline([-1, -0.01, 0, 1, None]) == "▁▄▅█·"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--sort", "newst"], "did you mean 'newest'"),
        (["--omitted", "motive"], "did you mean 'motives'"),
        (["--by-day", "--group", "languag"], "did you mean 'language'"),
        (["--group", "language"], "goes with the latter two"),
        (["--by-day", "--by-outlet"], "one of --by-outlet"),
        (["--tone-min", "2"], "'--tone-min'"),
    ],
)
def test_wrong_usage_says_what_is_meant(home: Path, arguments: list[str], said: str) -> None:
    done = treatywatch("query", *arguments, home=home)
    assert (done.returncode, said in " ".join(done.stderr.replace("│", " ").split())) == (2, True), done.stderr


def test_explain_shows_the_score_with_its_evidence(home: Path) -> None:
    url = told(home, "--limit", "1")["rows"][0]["url"]
    done = json.loads(treatywatch("explain", url, "--json", home=home).stdout)
    assert (done["score"]["url"], bool(done["evidence"])) == (url, True)
    shown = treatywatch("explain", url, home=home).stdout
    assert all(
        word in shown
        for word in ("In: scored", "Evidence of the latest score", "omitted:" if done["score"]["omitted"] else "tone")
    )


def completed(home: Path, words: str) -> list[str]:
    """What bash is offered after these words."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TREATYWATCH_")}
    asked = {
        "_TREATYWATCH_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-m", "pipeline"], capture_output=True, text=True, check=False, cwd=ROOT,
        env=environment | asked | {"TREATYWATCH_STORAGE__DATA_DIR": str(home)},
    )  # fmt: skip
    return done.stdout.split("\n")[:-1]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("treatywatch exp", ["explain", "export"]),
        ("treatywatch query --language ", ["en", "ja", "ru"]),
        ("treatywatch query --code face", ["face_value"]),
        ("treatywatch query --omitted mot", ["motives"]),
        ("treatywatch query --kind w", ["wire"]),
        ("treatywatch query --sort v", ["vigilant"]),
        ("treatywatch query --by-day --group co", ["country"]),
        ("treatywatch export ev", ["evidence"]),
        ("treatywatch export --format p", ["parquet"]),
    ],
)
def test_the_shell_completes_words(home: Path, words: str, offered: list[str]) -> None:
    assert sorted(completed(home, words)) == offered


def test_the_shell_completes_outlets(home: Path) -> None:
    outlets = sorted({source.outlet for source in load_feeds() if source.outlet.startswith("K")})
    assert sorted(completed(home, "treatywatch query --outlet K")) == outlets
    assert len(outlets) > 1


def test_completion_can_be_shown(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")  # there may be no shell around the tests
    done = treatywatch("--show-completion", "bash", home=home)
    assert (done.returncode, "_TREATYWATCH_COMPLETE" in done.stdout) == (0, True), done.stderr
