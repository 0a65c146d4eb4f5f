"""What is deployed: the container image and the compose file hold together with the program."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return loaded


def test_every_service_says_whether_it_is_well(compose: dict[str, Any]) -> None:
    assert [name for name, service in compose["services"].items() if "healthcheck" not in service] == []


def test_there_is_a_database_with_vectors_a_service_a_web_server_and_mail_for_development(
    compose: dict[str, Any],
) -> None:
    services = compose["services"]
    assert services.keys() == {"database", "service", "web", "mail"}
    assert services["database"]["image"].startswith("pgvector/pgvector:")
    assert services["mail"]["profiles"] == ["dev"]


def test_our_containers_have_no_rights_they_do_not_need(compose: dict[str, Any]) -> None:
    for name in ("service", "web"):
        service = compose["services"][name]
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert re.search(r"^USER treatywatch$", DOCKERFILE, re.MULTILINE)


def test_ports_are_published_on_this_machine_only(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_no_secret_stands_in_the_file(compose: dict[str, Any]) -> None:
    environment = {
        name: value
        for service in compose["services"].values()
        for name, value in service.get("environment", {}).items()
    }
    assert all(name.endswith("_FILE") for name in environment if re.search("PASSWORD|URL", name))
    assert set(compose["secrets"]) == {
        secret for service in compose["services"].values() for secret in service.get("secrets", [])
    }


def test_what_the_image_copies_is_there() -> None:
    copied = [
        name
        for line in DOCKERFILE.splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for name in line.split()[1:-1]
    ]
    assert copied
    assert [name for name in copied if not (ROOT / name).exists()] == []
