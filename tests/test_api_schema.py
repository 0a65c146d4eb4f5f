"""The API does what its own description says, whatever is asked, whoever asks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, settings
from schemathesis import GenerationMode
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig

from pipeline.report.api.describing import PLACE
from pipeline.report.api.examples import EXAMPLES
from storage.database import open_database
from tests.samples import add_article, article
from tests.web import Site, bearer

BOUNDED = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), database=None)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """An application with some articles in it."""
    database = open_database(f"sqlite:///{tmp_path_factory.mktemp('schema') / 'coverage.db'}")
    with database.write() as connection:
        for n in range(12):
            judged = article(f"https://a.example/{n}", title=f"Talks {n}", text=f"Talks {n} go on. Hope is in the air.")
            add_article(connection, judged, tone=n / 12, face_value=0.9)
    site = Site(database, require_token=True, requests_per_minute=10**9, hosts=("testserver",))
    site.app.state.tokens = {role: site.token(role, role) for role in ("read", "admin")}
    yield site.app
    site.close()
    database.close()


@pytest.fixture(params=["read", "admin"])
def schema(request: pytest.FixtureRequest, app: FastAPI) -> Any:
    """What the API says of itself, asked for with a token."""
    headers = bearer(app.state.tokens[request.param])
    loaded = schemathesis.openapi.from_asgi(PLACE, app, headers=headers)
    loaded.config.update(headers=headers)
    return loaded


asked = schemathesis.pytest.from_fixture("schema")


@asked.parametrize()
@BOUNDED
def test_F50_every_answer_is_as_described(case: Any) -> None:
    case.call_and_validate()
