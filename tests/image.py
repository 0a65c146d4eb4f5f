"""The container image without an engine: its steps are read, and taken here as far as they can be."""

from __future__ import annotations

import io
import json
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from dockerfile_parse import DockerfileParser

IGNORED = shutil.ignore_patterns("__pycache__")


@dataclass(kw_only=True)
class Stage:
    """One stage of the build: what it starts from, and its instructions in order, each with its value."""

    base: str
    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def values(self, instruction: str) -> list[str]:
        """The values of an instruction, in order."""
        return [value for name, value in self.steps if name == instruction]

    def command(self, instruction: str) -> list[str]:
        """The last value of an instruction in exec form, which needs no shell in the image."""
        value = self.values(instruction)[-1]
        found: list[str] = json.loads(value[value.index("[") :])
        return found

    def copies(self, *, own: bool) -> list[tuple[list[str], str]]:
        """Sources and destination of each COPY, out of the build's context (`own`) or another stage."""
        words = [shlex.split(value) for value in self.values("COPY")]
        return [(given[:-1], given[-1]) for given in words if own != any(word.startswith("--from=") for word in given)]

    def environment(self) -> dict[str, str]:
        """What ENV sets."""
        pairs = (pair for value in self.values("ENV") for pair in shlex.split(value))
        return dict(pair.split("=", 1) for pair in pairs)


def stages(dockerfile: str) -> list[Stage]:
    """The stages of a Dockerfile."""
    parser = DockerfileParser(fileobj=io.BytesIO(dockerfile.encode()))
    found: list[Stage] = []
    for step in parser.structure:
        name, value = step["instruction"], step["value"]
        if name == "FROM":
            base, *alias = value.split()
            found.append(Stage(base=base, name=alias[-1] if alias else ""))
        elif name != "COMMENT":
            found[-1].steps.append((name, value))
    return found


def copy(stage: Stage, context: Path, into: Path) -> None:
    """Do what COPY does. Raises FileNotFoundError where the context lacks something."""
    for sources, destination in stage.copies(own=True):
        for source in sources:
            target = into / destination / (Path(source).name if destination.endswith("/") else "")
            if (context / source).is_dir():
                shutil.copytree(context / source, target, ignore=IGNORED, dirs_exist_ok=True)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(context / source, target)


def wheel_of(source: Path, into: Path) -> Path:
    """What `pip install .` builds there. Raises CalledProcessError."""
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--disable-pip-version-check")
    pip(["wheel", *options, "--wheel-dir", str(into), str(source)])
    (wheel,) = into.glob("*.whl")
    return wheel


def installed(wheel: Path, into: Path) -> Path:
    """The folder of the programs of a fresh environment with the wheel, which has our libraries but not our code."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", into], check=True)
    python = into / "bin" / "python"
    pip(["--python", str(python), "install", "--no-deps", "--no-index", "--quiet", str(wheel)])
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    libraries = into / "lib" / version / "site-packages" / "libraries.pth"
    libraries.write_text(f"{sysconfig.get_paths()['purelib']}\n", encoding="utf-8")
    return python.parent


def packed(wheel: Path) -> set[str]:
    """The files of the wheel, and of what describes it the licence."""
    with ZipFile(wheel) as opened:
        names = [re.sub(r"^[^/]+\.dist-info/licenses/", "", name) for name in opened.namelist()]
    return {name for name in names if ".dist-info/" not in name}


def pip(arguments: list[str]) -> None:
    """Run pip."""
    subprocess.run([sys.executable, "-m", "pip", *arguments], check=True, capture_output=True, text=True)


def run(programs: Path, *command: str, cwd: Path, **environment: Any) -> subprocess.CompletedProcess[str]:
    """Run a program of the environment, and nothing of this folder's."""
    given = {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(cwd), "COLUMNS": "200", **environment}
    return subprocess.run(
        [str(programs / command[0]), *command[1:]], cwd=cwd, env=given, capture_output=True, text=True, check=False
    )
