"""Settings: one frozen section per stage, read once and handed down.

Every default stands in `settings.toml` beside this module. A user's file, the environment and command-line flags
override it key by key. Nothing here reads the working directory, and there is no module-level settings object.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from config.invalid import InvalidSettings, nearest
from config.sections import (
    AlarmSettings,
    BackupSettings,
    DigestSettings,
    EmbedSettings,
    ExtractSettings,
    FeedsSettings,
    FetchSettings,
    LogSettings,
    MailSettings,
    PollSettings,
    ReportSettings,
    RetentionSettings,
    ScoreSettings,
    ScreenSettings,
    StorageSettings,
    WebhookSettings,
    WebSettings,
    WorkersSettings,
    secret_in,
)

ENV_PREFIX = "TREATYWATCH_"
CONFIG_VARIABLE = "TREATYWATCH_CONFIG"
SECRET_KEYS = {
    ("web", "secret"),
    ("storage", "url"),
    ("mail", "password"),
    ("webhooks", "urls"),
    ("webhooks", "secret"),
}  # a message about them does not repeat what was given


class Settings(BaseModel):
    """All sections. Build it with `load`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    storage: StorageSettings
    feeds: FeedsSettings
    fetch: FetchSettings
    poll: PollSettings
    extract: ExtractSettings
    workers: WorkersSettings
    embed: EmbedSettings
    screen: ScreenSettings
    score: ScoreSettings
    alarms: AlarmSettings
    webhooks: WebhookSettings
    web: WebSettings
    backup: BackupSettings
    retention: RetentionSettings
    report: ReportSettings
    mail: MailSettings
    digest: DigestSettings
    log: LogSettings


Layer = dict[str, dict[str, Any]]


def defaults() -> Layer:
    """The shipped settings.toml as a mapping of sections."""
    return tomllib.loads(files("config").joinpath("settings.toml").read_text(encoding="utf-8"))


def load(file: Path | None = None, flags: Sequence[str] = (), environ: Mapping[str, str] | None = None) -> Settings:
    """Read settings: `flags` ("fetch.timeout_s=20") over the environment over `file` over the shipped defaults.

    Raises InvalidSettings with one line for each fault.
    """
    environ = os.environ if environ is None else environ
    if file is None and environ.get(CONFIG_VARIABLE):
        file = Path(environ[CONFIG_VARIABLE])
    shipped = defaults()
    layers = {
        "--set": _from_pairs(_split_flags(flags), shipped),
        "the environment": _from_pairs(_split_environ(environ, shipped), shipped),
    }
    if file is not None:
        layers[str(file)] = _read_file(file)
    faults = [fault for place, layer in layers.items() for fault in _unknown_keys(layer, shipped, place)]
    if faults:
        raise InvalidSettings("\n".join(faults))
    merged = shipped
    for layer in reversed(layers.values()):
        merged = {name: values | layer.get(name, {}) for name, values in merged.items()}
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        raise InvalidSettings("\n".join(_explain(fault, layers) for fault in error.errors())) from None


def _split_flags(flags: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    for flag in flags:
        key, equals, raw = flag.partition("=")
        section, dot, name = key.strip().partition(".")
        if not (equals and dot):
            raise InvalidSettings(f"--set {flag}: write it as section.key=value, for example fetch.timeout_s=20")
        yield section, name, raw


def _split_environ(environ: Mapping[str, str], shipped: Layer) -> Iterator[tuple[str, str, str]]:
    """A variable of a known key with _FILE behind it names a file that holds the value."""
    for variable, raw in environ.items():
        if variable.startswith(ENV_PREFIX) and variable != CONFIG_VARIABLE:
            section, _, name = variable.removeprefix(ENV_PREFIX).lower().partition("__")
            key, known = name.removesuffix("_file"), shipped.get(section, {})
            if key != name and key in known and name not in known:
                yield section, key, secret_in(raw, variable)
            else:
                yield section, name, raw


def _from_pairs(pairs: Iterable[tuple[str, str, str]], shipped: Layer) -> Layer:
    """Read each raw value as TOML, except where the default is a string: that is taken as it stands."""
    layer: Layer = {}
    for section, name, raw in pairs:
        default = shipped.get(section, {}).get(name)
        layer.setdefault(section, {})[name] = raw if isinstance(default, str) else _toml_value(raw)
    return layer


def _toml_value(raw: str) -> Any:
    try:
        return tomllib.loads(f"value = {raw}")["value"]
    except (ValueError, RecursionError):  # also of numbers and nesting beyond what Python reads
        return raw


def _read_file(file: Path) -> Layer:
    try:
        layer = tomllib.loads(file.expanduser().read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidSettings(f"{file}: can't be read ({error.strerror}); check the path given to --config") from None
    except (ValueError, RuntimeError) as error:  # also of a home that nobody has, a NUL in the path, endless nesting
        raise InvalidSettings(f"{file}: not valid TOML: {error}") from None
    for name, values in layer.items():
        if not isinstance(values, dict):
            raise InvalidSettings(f"{file}: key {name!r} stands outside a [section]")
    return layer


def _unknown_keys(layer: Layer, shipped: Layer, place: str) -> Iterator[str]:
    for section, values in layer.items():
        if section not in shipped:
            yield f"{place}: unknown section {section!r}{nearest(section, shipped)}"
            continue
        for name in values.keys() - shipped[section].keys():
            yield f"{place}: unknown key '{section}.{name}'{nearest(name, shipped[section])}"


def _explain(fault: ErrorDetails, layers: Mapping[str, Layer]) -> str:
    section, name, *_ = (str(part) for part in (*fault["loc"], ""))
    place = next((place for place, layer in layers.items() if name in layer.get(section, {})), "the shipped settings")
    given = "..." if (section, name) in SECRET_KEYS else repr(fault["input"])
    return f"{place}: {section}.{name} = {given}: {fault['msg']}"
