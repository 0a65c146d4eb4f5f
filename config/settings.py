"""Settings: one frozen section per stage, read once and handed down.

Every default stands in `settings.toml` beside this module. A user's file, the environment and command-line flags
override it key by key. Nothing here reads the working directory, and there is no module-level settings object.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

from platformdirs import user_data_path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from config.invalid import InvalidSettings, nearest

ENV_PREFIX = "TREATYWATCH_"
CONFIG_VARIABLE = "TREATYWATCH_CONFIG"
SECRET_CHARS = 32
SECRET_KEYS = {("web", "secret"), ("storage", "url")}  # a message about them does not repeat what was given


class Section(BaseModel):
    """Base of the sections: frozen, and strangers are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _network(value: str) -> str:
    ip_network(value, strict=False)
    return value


Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]


class StorageSettings(Section):
    """Where coverage is kept."""

    url: str
    url_file: str
    data_dir: str

    def directory(self) -> Path:
        """The data directory, not created."""
        return Path(self.data_dir).expanduser() if self.data_dir else user_data_path("treatywatch", appauthor=False)

    def database_url(self) -> str:
        """The SQLAlchemy URL of the database."""
        if self.url_file:
            return _secret(self.url_file, "storage.url_file")
        return self.url or sqlite_url(self.directory() / "coverage.db")


def _secret(file: str, place: str) -> str:
    try:
        return Path(file).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"{place} {file} can't be read: {error}") from None


def sqlite_url(file: Path) -> str:
    """The database URL of a SQLite file."""
    return f"sqlite:///{quote(str(file))}"


class FeedsSettings(Section):
    """Which outlets are watched."""

    file: str

    def path(self) -> Path | None:
        """Your own list of feeds, or None for the one that ships with treatywatch."""
        return Path(self.file).expanduser() if self.file else None


class FetchSettings(Section):
    """How URLs are fetched, and what is refused."""

    user_agent: Annotated[str, Field(min_length=1, pattern=r"^[\x20-\x7e]+$")]
    contact: Annotated[str, Field(pattern=r"^[\x20-\x7e]*$")]
    timeout_s: Positive
    max_bytes: Count
    max_redirects: Annotated[int, Field(ge=0, le=20)]
    concurrency: Annotated[int, Field(ge=1, le=256)]
    host_concurrency: Annotated[int, Field(ge=1, le=16)]
    host_delay_s: NotNegative
    allow_networks: tuple[Annotated[str, AfterValidator(_network)], ...]
    respect_robots: bool
    robots_ttl_s: Positive


class PollSettings(Section):
    """How often feeds are asked, and how much is taken at once."""

    tick_s: Positive
    min_interval_s: Positive
    max_interval_s: Positive
    max_entries: Count
    max_attempts: Count
    quiet_h: Positive
    pass_timeout_s: Positive


class ExtractSettings(Section):
    """What counts as an article's text."""

    min_chars: Annotated[int, Field(ge=0)]
    max_chars: Count


class WorkersSettings(Section):
    """What one feed or page may cost the process that reads it."""

    timeout_s: Positive
    memory_mb: Annotated[int, Field(ge=64)]


class EmbedSettings(Section):
    """Which model turns passages into vectors."""

    model: Annotated[str, Field(min_length=1)]
    prompt: str
    threads: Annotated[int, Field(ge=0, le=256)]


class ScreenSettings(Section):
    """When an article is relevant."""

    threshold: Annotated[float, Field(ge=0, lt=1)]


class ScoreSettings(Section):
    """How the tone is reported."""

    coverage: Annotated[float, Field(gt=0, lt=1)]


class AlarmSettings(Section):
    """What is unusual enough to call somebody."""

    failures: Count
    waiting_h: Positive
    scored_h: Positive
    pass_intervals: Positive


def _host(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]", value):
        raise ValueError("write a host name in lower case, without scheme and port")
    return value


def _secret_enough(value: SecretStr) -> SecretStr:
    if 0 < len(value.get_secret_value()) < SECRET_CHARS:
        raise ValueError(f"a secret has at least {SECRET_CHARS} characters")
    return value


class WebSettings(Section):
    """Where the web server listens, whom it answers, and how much it takes."""

    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=0, le=65535)]
    hosts: tuple[Annotated[str, AfterValidator(_host)], ...]
    trusted_proxies: tuple[Annotated[str, AfterValidator(_network)], ...]
    require_token: bool
    secret: Annotated[SecretStr, AfterValidator(_secret_enough)]
    session_hours: Positive
    requests_per_minute: Count
    failed_sign_ins_per_hour: Count
    max_body_bytes: Count
    max_query_bytes: Count
    max_header_bytes: Annotated[int, Field(ge=1024)]
    max_connections: Count


Days = Annotated[int, Field(ge=0, le=36500)]


class BackupSettings(Section):
    """Where the service backs the database up every day."""

    directory: str
    keep_days: Days

    def path(self) -> Path | None:
        """The directory of the daily backups, or None where none are wanted."""
        return Path(self.directory).expanduser() if self.directory else None


class RetentionSettings(Section):
    """How many days things are kept that no score rests on; 0 is for ever."""

    fetch_log_days: Days
    unused_text_days: Days
    former_text_days: Days
    vector_days: Days


class LogSettings(Section):
    """What is logged."""

    level: Literal["debug", "info", "warning", "error"]
    json_lines: Annotated[bool, Field(alias="json")]


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
    web: WebSettings
    backup: BackupSettings
    retention: RetentionSettings
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
                yield section, key, _secret(raw, variable)
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
    except tomllib.TOMLDecodeError:
        return raw


def _read_file(file: Path) -> Layer:
    try:
        layer = tomllib.loads(file.expanduser().read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidSettings(f"{file}: can't be read ({error.strerror}); check the path given to --config") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
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
