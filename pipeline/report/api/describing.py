"""What the API says of itself: the errors of every route, and what each field means."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from pipeline.report.api.examples import EXAMPLES
from pipeline.report.auth import HEALTH
from pipeline.report.columns import MEANINGS

PLACE = "/api/v1/openapi.json"
PROBLEM = {
    "type": "object",
    "description": "A problem (RFC 9457).",
    "required": ["status", "title"],
    "properties": {
        "status": {"type": "integer", "description": "The HTTP status."},
        "title": {"type": "string", "description": "What is wrong, and what to do."},
        "faults": {
            "type": "array",
            "description": "What can't be understood, and where.",
            "items": {
                "type": "object",
                "properties": {"where": {"type": "string"}, "what": {"type": "string"}},
            },
        },
    },
}
WORDS = {
    "401": "No access token, or none that holds.",
    "403": "The token's role does not let you, or the request comes from another site.",
    "404": "There is no such thing.",
    "422": "The request can't be understood.",
    "429": "Too many requests; Retry-After says when to come again.",
    "4XX": "The request is refused.",
    "503": "The database can't be used now.",
}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    code: {
        "description": words,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for code, words in WORDS.items()
}
UNCHANGED: dict[int | str, dict[str, Any]] = {
    304: {"description": "As the tag in If-None-Match says, nothing changed."}
}
TAGS = {
    "articles": "Scored articles with the sentences that their scores rest on.",
    "figures": "Articles taken together. A figure over fewer articles than `min_n` is null.",
    "store": "What there is to ask for, and where it came from.",
    "digests": "What was mailed, as it was.",
    "export": "Everything at once, as files and feeds.",
    "operations": "How the watching goes.",
}


def describe(app: FastAPI) -> None:
    """Make the application's description: FastAPI's own, with what every field means."""

    def described() -> dict[str, Any]:
        if not app.openapi_schema:
            tags = [{"name": name, "description": text} for name, text in TAGS.items()]
            found = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes, tags=tags
            )
            schemas = found.setdefault("components", {}).setdefault("schemas", {})
            schemas["Problem"] = PROBLEM
            for name, schema in schemas.items():
                _explain(name, schema)
            found["components"]["securitySchemes"] = {
                "token": {"type": "http", "scheme": "bearer", "description": "`treatywatch tokens add NAME`"},
                "password": {"type": "http", "scheme": "basic", "description": "The token as password; to read only."},
            }
            found["security"] = [{"token": []}, {"password": []}]
            found["paths"][HEALTH]["get"]["security"] = []
            app.openapi_schema = found
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def _explain(name: str, schema: dict[str, Any]) -> None:
    for field, about in schema.get("properties", {}).items():
        if field in MEANINGS and "description" not in about:
            about["description"] = MEANINGS[field]
    if name in EXAMPLES:
        schema["examples"] = [EXAMPLES[name]]
