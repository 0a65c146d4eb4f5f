"""The API does what its own description says, whatever is asked, whoever asks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import schemathesis
import schemathesis.engine
from fastapi import FastAPI
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events

from pipeline.report.api.describing import PLACE
from pipeline.report.asked import Question
from pipeline.report.auth import utc_now
from storage import passes
from storage.database import open_database
from tests.samples import add_article, article
from tests.web import Site, bearer


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """An application with some articles in it."""
    database = open_database(f"sqlite:///{tmp_path_factory.mktemp('schema') / 'coverage.db'}")
    with database.write() as connection:
        for n in range(12):
            judged = article(f"https://a.example/{n}", title=f"Talks {n}", text=f"Talks {n} go on. Hope is in the air.")
            add_article(connection, judged, tone=n / 12, face_value=0.9)
        passes.end(connection, passes.begin(connection, utc_now()), utc_now(), passes.Done())
    site = Site(
        database, require_token=True, requests_per_minute=10**9, failed_sign_ins_per_hour=10**9, hosts=("testserver",)
    )
    site.app.state.embed = lambda _: Question(vector=np.eye(384, dtype=np.float32)[0], language="en")
    site.app.state.tokens = {role: site.token(role, role) for role in ("read", "admin")}
    yield site.app
    site.close()
    database.close()


def checked(app: FastAPI, role: str, examples: int, *, systematic: bool) -> tuple[int, dict[str, str]]:
    """How many requests were made, and what was wrong with answers."""
    headers = bearer(app.state.tokens[role])
    config = SchemathesisConfig.from_dict(
        {
            "headers": headers,
            "generation": {"max-examples": examples, "deterministic": True, "no-shrink": True, "database": "none"},
            "phases": {"stateful": {"enabled": False}, "coverage": {"enabled": systematic}},
        }
    )
    schema = schemathesis.openapi.from_asgi(PLACE, app, headers=headers, config=config)
    asked, wrong = 0, {}
    for event in schemathesis.engine.from_schema(schema).execute():
        assert not isinstance(event, events.FatalError | events.NonFatalError), event.info
        if isinstance(event, events.ScenarioFinished):
            for case_id, checks in event.recorder.checks.items():
                asked += 1
                for check in checks:
                    case = event.recorder.cases[case_id].value
                    # A cursor can't be told by its form: only those that a page gave are taken.
                    made_up = check.name == "positive_data_acceptance" and "after" in (case.query or {})
                    if check.status != Status.SUCCESS and not made_up:
                        wrong[f"{check.name} {event.label}"] = f"{check.failure_info} {case.as_curl_command()}"
    return asked, wrong


@pytest.mark.parametrize(("role", "examples", "systematic"), [("read", 3, True), ("admin", 15, False)])
def test_F50_every_answer_is_as_described(app: FastAPI, role: str, examples: int, systematic: bool) -> None:
    asked, wrong = checked(app, role, examples, systematic=systematic)
    assert wrong == {}
    assert asked > (1000 if systematic else 200)
