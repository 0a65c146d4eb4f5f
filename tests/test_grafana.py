"""The dashboard for Grafana: each of its queries runs on a real database, as the role that may read only the views."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from storage.database import open_database
from tests.conftest import Server
from tests.samples import add_article, add_feed, article

pytestmark = pytest.mark.postgres
GRAFANA = Path(__file__).parents[1] / "config" / "grafana"
BOARD = json.loads((GRAFANA / "dashboards" / "coverage.json").read_text(encoding="utf-8"))
READER, PASSWORD = "treatywatch_reader", "only'for tests"
QUERIES = {panel["title"]: panel["targets"][0]["rawSql"] for panel in BOARD["panels"]}
VARIABLES = {one["name"]: one for one in BOARD["templating"]["list"]}
TIME = re.compile(r"\$__timeFilter\(((?:[^()]|\([^()]*\))*)\)")
FILLED = {"Tone by week", "Articles by day", "Outlets", "Codes", "What is left out", "Most credulous"}


@pytest.fixture(scope="module")
def url(postgres: Server) -> Iterator[str]:
    """A database with coverage of twelve articles, and the role."""
    name = postgres.create()
    database = open_database(postgres.url(name))
    with database.write() as connection:
        add_feed(connection)
        for number in range(12):
            judged = article(f"https://a.example/{number}", f"Talks go on. This is report {number}.")
            add_article(connection, judged, tone=number / 12, face_value=0.9)
    psql(postgres.url(name), "-v", f"password={PASSWORD}", "-f", str(GRAFANA / "reader.sql"))
    yield postgres.url(name)
    database.close()
    psql(postgres.url(name), "-c", f"DROP OWNED BY {READER}; DROP ROLE {READER}")
    postgres.drop(name)


def psql(url: str, *arguments: str) -> None:
    import pgserver

    program = Path(pgserver.__file__).parent / "pginstall" / "bin" / "psql"
    subprocess.run([program, "-X", "-v", "ON_ERROR_STOP=1", url, *arguments], check=True, capture_output=True)


def filled(sql: str) -> str:
    """What Grafana makes of a query: macros and variables are replaced."""
    sql = TIME.sub(r"(\1 BETWEEN '2000-01-01' AND '2100-01-01')", sql)
    for name, variable in VARIABLES.items():
        values = variable["query"] if variable["type"] == "constant" else f"SELECT x FROM ({variable['query']}) AS v(x)"
        sql = sql.replace(f"${name}", values)
    assert "$" not in sql
    return sql


def rows(url: str, sql: str) -> list[dict[str, Any]]:
    with psycopg.connect(url, options="-c role=" + READER) as connection:
        asked = connection.execute(sql)
        return [dict(zip([column.name for column in asked.description or ()], row, strict=True)) for row in asked]


@pytest.mark.parametrize("title", QUERIES)
def test_every_panel_asks_what_the_database_can_answer(url: str, title: str) -> None:
    found = rows(url, filled(QUERIES[title]))
    assert bool(found) or title not in FILLED
    if BOARD["panels"][list(QUERIES).index(title)]["targets"][0]["format"] == "time_series":
        assert all("time" in row for row in found)


def test_the_outlets_are_those_that_were_stored(url: str) -> None:
    (row,) = rows(url, filled(QUERIES["Outlets"]))
    assert (row["articles"], float(row["tone"])) == (12, 0.46)


def test_codes_have_the_share_of_articles_that_bear_them(url: str) -> None:
    assert [(row["code"], row["share"]) for row in rows(url, filled(QUERIES["Codes"]))] == [("face_value", 1.0)]


@pytest.mark.parametrize("table", ["tokens", "recipients", "outbox", "revisions", "feeds"])
def test_the_role_reads_nothing_but_the_views(url: str, table: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        rows(url, f"SELECT * FROM {table}")


def test_the_role_can_be_made_again_after_an_upgrade(url: str) -> None:
    psql(url, "-v", f"password={PASSWORD}", "-f", str(GRAFANA / "reader.sql"))
    assert rows(url, "SELECT count(*) AS n FROM v_runs") == [{"n": 1}]


def test_data_source_and_dashboard_name_each_other() -> None:
    (source,) = yaml.safe_load((GRAFANA / "provisioning/datasources/treatywatch.yaml").read_text())["datasources"]
    (provider,) = yaml.safe_load((GRAFANA / "provisioning/dashboards/treatywatch.yaml").read_text())["providers"]
    asked = {target["datasource"]["uid"] for panel in BOARD["panels"] for target in panel["targets"]}
    compose = (GRAFANA.parents[1] / "docker-compose.yml").read_text(encoding="utf-8")
    assert asked == {source["uid"]}
    assert source["user"] == READER
    assert f"./config/grafana/dashboards:{provider['options']['path']}:ro" in compose
