"""What is deployed: image, compose file and unit hold together with the program."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from compose_spec import PyOptions
from typer.main import get_command

from config.settings import defaults, load
from pipeline.cli import service
from tests.image import Stage, copy, installed, packed, run, stages, wheel_of

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
UNIT = ROOT / "config" / "deploy" / "treatywatch.service"
PACKAGES = ("config", "pipeline", "storage")
INSTRUCTIONS = {
    "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "RUN", "SHELL", "STOPSIGNAL",
    "USER", "VOLUME", "WORKDIR",
}  # fmt: skip
SHOW = """
import pipeline
from pipeline.report.markup import templates
from pipeline.report.words import Words
from config.settings import defaults, load
print(pipeline.__file__, load(environ={}).report.min_n, len(templates().list_templates()), Words("ja").tone(0.9))
"""


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE)
    return loaded


@pytest.fixture(scope="module")
def image() -> list[Stage]:
    return stages(DOCKERFILE)


@pytest.fixture(scope="module")
def built(image: list[Stage], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that the image's first stage makes of what it copies."""
    folder = tmp_path_factory.mktemp("build")
    copy(image[0], ROOT, folder / "src")
    return wheel_of(folder / "src", folder)


@pytest.fixture(scope="module")
def programs(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of the image, in an environment of their own."""
    return installed(built, tmp_path_factory.mktemp("opt") / "treatywatch")


def tree() -> set[str]:
    """The licence and the files of our packages as they are here."""
    files = (path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file())
    return {"LICENSE"} | {path.relative_to(ROOT).as_posix() for path in files if "__pycache__" not in path.parts}


def serve_options(arguments: list[str]) -> dict[str, Any]:
    """What the program makes of the arguments. Raises click's UsageError."""
    application = typer.Typer()
    service.register(application)
    command = get_command(application).commands[arguments[0]]  # type: ignore[attr-defined]
    options: dict[str, Any] = command.make_context(arguments[0], arguments[1:]).params
    return options


# The image


def test_every_instruction_of_the_image_is_known_and_the_last_stage_says_how_it_runs(image: list[Stage]) -> None:
    names = [name for stage in image for name, _ in stage.steps]
    assert set(names) <= INSTRUCTIONS
    assert {"USER", "VOLUME", "HEALTHCHECK", "ENTRYPOINT", "CMD"} <= {name for name, _ in image[-1].steps}


def test_the_image_runs_as_a_user_that_it_makes_and_that_is_not_root(image: list[Stage]) -> None:
    final = image[-1]
    made = [value for value in final.values("RUN") if value.startswith("useradd")]
    order = [name for name, _ in final.steps]
    assert final.values("USER") == ["treatywatch"] == [value.split()[-1] for value in made]
    assert order.index("USER") < order.index("VOLUME") < order.index("ENTRYPOINT")
    assert final.values("VOLUME") == [final.environment()["TREATYWATCH_STORAGE__DATA_DIR"]]


def test_what_one_stage_takes_from_another_is_made_there(image: list[Stage]) -> None:
    for sources, _ in image[-1].copies(own=False):
        stage, *paths = sources
        (maker,) = (other for other in image if f"--from={other.name}" == stage)
        assert all(f"python -m venv {path}" in maker.values("RUN")[0] for path in paths)
    assert image[-1].copies(own=True) == []


def test_the_image_has_every_file_of_our_packages(built: Path) -> None:
    assert packed(built) == tree()


@pytest.mark.parametrize("missing", ["constraints.txt", "pyproject.toml", "README.md", "LICENSE", "config", "storage"])
def test_a_file_that_is_not_copied_is_missed(missing: str, image: list[Stage], tmp_path: Path) -> None:
    fewer = Stage(base="", name="", steps=[(name, re.sub(rf"\b{missing}\b ?", "", v)) for name, v in image[0].steps])
    copies = [(name, value) for name, value in fewer.steps if name != "COPY" or len(value.split()) > 1]
    copy(Stage(base="", name="", steps=copies), ROOT, tmp_path / "src")
    asked = re.findall(r"--constraint (\S+)", image[0].values("RUN")[0])
    try:
        whole = packed(wheel_of(tmp_path / "src", tmp_path)) == tree()
    except (subprocess.CalledProcessError, ValueError):
        whole = False
    assert not (whole and all((tmp_path / "src" / name).is_file() for name in asked))


def test_the_program_runs_from_what_was_copied(programs: Path, image: list[Stage], tmp_path: Path) -> None:
    (entry,) = image[-1].command("ENTRYPOINT")
    home = {"TREATYWATCH_STORAGE__DATA_DIR": str(tmp_path)}
    helped = run(programs, entry, "--help", cwd=tmp_path)
    healthy = run(programs, *image[-1].command("HEALTHCHECK"), cwd=tmp_path, **home)
    looked = run(programs, entry, "doctor", "--only", "codebook", "--only", "feeds", "--only", "clock", cwd=tmp_path)
    shown = run(programs, "python", "-c", SHOW, cwd=tmp_path)
    assert [done.returncode for done in (helped, healthy, looked, shown)] == [0, 0, 0, 0], shown.stderr + healthy.stderr
    assert shown.stdout.startswith(str(programs.parent))
    assert image[-1].command("CMD")[0] in helped.stdout


def test_the_image_needs_only_its_data_directory_to_write_to(programs: Path, tmp_path: Path) -> None:
    before = {path for path in programs.parent.rglob("*") if "__pycache__" not in path.parts}
    run(programs, "treatywatch", "doctor", "--only", "database", cwd=tmp_path, TREATYWATCH_STORAGE__DATA_DIR=tmp_path)
    assert {path for path in programs.parent.rglob("*") if "__pycache__" not in path.parts} == before
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".db"] == ["coverage.db"]


# The compose file


def test_the_compose_file_is_what_the_specification_allows() -> None:
    parsed = PyOptions(apply_merge=True).from_yaml(COMPOSE)
    parsed.validate()
    assert parsed.service_names() == ["database", "service", "web", "mail", "grafana"]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("read_only: true", "readonly: true"),
        ("restart: unless-stopped", "restart: sometimes"),
        ("condition: service_healthy", "condition: healthy"),
        ("interval: 5m", "interval: soon"),
        ("secrets: [database_url]", "secrets: [database_uri]"),
        ("- data:/var", "- date:/var"),
    ],
)
def test_a_slip_in_the_compose_file_is_found(right: str, wrong: str) -> None:
    assert right in COMPOSE
    with pytest.raises(ValueError, match=r".+"):
        PyOptions(apply_merge=True).from_yaml(COMPOSE.replace(right, wrong)).validate()


def test_every_service_says_whether_it_is_well(compose: dict[str, Any]) -> None:
    assert [name for name, service in compose["services"].items() if "healthcheck" not in service] == []


def test_services_wait_for_services_that_there_are(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert {other for service in services.values() for other in service.get("depends_on", ())} <= services.keys()


def test_there_is_a_database_with_vectors_and_mail_for_development(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert services["database"]["image"].startswith("pgvector/pgvector:")
    assert services["mail"]["profiles"] == ["dev"]


def test_our_containers_have_no_rights_they_do_not_need(compose: dict[str, Any]) -> None:
    for name in ("service", "web"):
        service = compose["services"][name]
        found = {key: service[key] for key in ("read_only", "cap_drop", "security_opt", "tmpfs")}
        rights = {"read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"], "tmpfs": ["/tmp"]}
        assert (found, "privileged" in service, "user" in service) == (rights, False, False)


def test_the_program_understands_what_the_services_are_told(compose: dict[str, Any], programs: Path) -> None:
    told = {
        name: serve_options(service["command"]) for name, service in compose["services"].items() if "build" in service
    }
    assert (told["service"]["web"], told["service"]["scheduler"]) == (False, True)
    assert (told["web"]["web"], told["web"]["scheduler"]) == (True, False)
    assert compose["services"]["web"]["ports"][0].endswith(f":{told['web']['port']}")
    serve_options(stages(DOCKERFILE)[-1].command("CMD"))
    for one in compose["services"].values():
        kind, program, *arguments = one["healthcheck"]["test"]
        if program == "treatywatch":
            assert run(programs, program, *arguments, "--help", cwd=programs).returncode == 0
        elif (program, kind) == ("python", "CMD"):
            compile(arguments[1], "healthcheck", "exec")


def test_volumes_hold_what_the_image_writes(compose: dict[str, Any], image: list[Stage]) -> None:
    (volume,) = image[-1].values("VOLUME")
    assert [compose["services"][name]["volumes"] for name in ("service", "web")] == [[f"data:{volume}"]] * 2


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
    assert all(name.endswith("_FILE") for name in environment if re.search("PASSWORD|URL|SECRET", name))
    assert set(compose["secrets"]) == {
        secret for service in compose["services"].values() for secret in service.get("secrets", [])
    }


def test_the_settings_in_the_compose_file_are_settings(compose: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "database_url").write_text("postgresql://treatywatch@database/treatywatch")
    for name in ("service", "web"):
        given = compose["services"][name]["environment"]
        given = {key: value.replace("/run/secrets", str(tmp_path)) for key, value in given.items()}
        assert load(environ=given).storage.database_url().startswith("postgresql://")


# The unit


@pytest.fixture(scope="module")
def unit() -> dict[str, list[tuple[str, str]]]:
    """The sections of the unit, each with its keys and values in order."""
    sections: dict[str, list[tuple[str, str]]] = {}
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            sections[line.strip("[]")] = here = []
        elif line and not line.startswith("#"):
            name, _, value = line.partition("=")
            here.append((name, value))
    return sections


def single(unit: dict[str, list[tuple[str, str]]], key: str) -> str:
    (value,) = (value for name, value in unit["Service"] if name == key)
    return value


def test_the_unit_starts_what_the_documents_install(unit: dict[str, list[tuple[str, str]]]) -> None:
    program, *arguments = single(unit, "ExecStart").split()
    operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert Path(program).parent.parent.as_posix() in operations
    assert Path(program).name in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert arguments[0] == "--config"
    assert arguments[1] in operations
    assert serve_options(arguments[2:])["scheduler"] is True


def test_the_unit_gives_secrets_as_credentials_and_names_settings_that_there_are(
    unit: dict[str, list[tuple[str, str]]], tmp_path: Path
) -> None:
    credentials = dict(value.split(":") for name, value in unit["Service"] if name == "LoadCredential")
    given = dict(value.split("=", 1) for name, value in unit["Service"] if name == "Environment")
    for name in credentials:
        (tmp_path / name).write_text("sqlite:////var/lib/treatywatch/coverage.db  # long enough for a secret")
    settings = load(environ={key: value.replace("%d", str(tmp_path)) for key, value in given.items()})
    named = {value.removeprefix("%d/") for value in given.values() if value.startswith("%d/")}
    assert named == credentials.keys()
    assert all(path.startswith("/etc/treatywatch/secrets/") for path in credentials.values())
    assert settings.storage.data_dir == f"%S/{single(unit, 'StateDirectory')}"
    assert settings.storage.database_url().startswith("sqlite:")


def test_the_unit_gives_the_service_as_long_to_stop_as_the_compose_file(
    unit: dict[str, list[tuple[str, str]]], compose: dict[str, Any]
) -> None:
    grace = compose["services"]["service"]["stop_grace_period"]
    assert (single(unit, "TimeoutStopSec"), grace) == ("2min", "2m")
    assert defaults()["poll"].get("drain_s", 60.0) <= 100  # and ten seconds for what was broken off
    assert (single(unit, "KillMode"), single(unit, "Restart"), single(unit, "Type")) == ("mixed", "always", "exec")
    assert single(unit, "MemoryMax").lower() == compose["services"]["service"]["mem_limit"]


def test_the_unit_has_no_rights_it_does_not_need(unit: dict[str, list[tuple[str, str]]]) -> None:
    wanted = {"NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "CapabilityBoundingSet": ""}
    assert {key: single(unit, key) for key in wanted} == wanted


def test_systemd_finds_no_fault_with_the_unit(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("no systemd-analyze here; the other tests read the unit by themselves")
    text = UNIT.read_text(encoding="utf-8")
    program = str(Path(sys.executable).parent / "treatywatch")
    (tmp_path / "treatywatch.service").write_text(text.replace("/opt/treatywatch/bin/treatywatch", program))
    checked = subprocess.run(
        [analyze, "verify", tmp_path / "treatywatch.service"], capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")
