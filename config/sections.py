"""The sections of the settings, one frozen model for each stage. What a key means stands in `settings.toml`."""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

from platformdirs import user_data_path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from config.invalid import InvalidSettings

SECRET_CHARS = 32


class Section(BaseModel):
    """Base of the sections: frozen, and strangers are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _network(value: str) -> str:
    ip_network(value, strict=False)
    return value


def _place(value: str) -> str:
    if "\0" in value:
        raise ValueError("no path has a NUL in it")
    try:
        Path(value).expanduser()
    except RuntimeError:
        raise ValueError("nobody of that name has a home here; write the path in full") from None
    return value


Place = Annotated[str, AfterValidator(_place)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]


class StorageSettings(Section):
    """Where coverage is kept."""

    url: str
    url_file: Place
    data_dir: Place

    def directory(self) -> Path:
        """The data directory, not created."""
        return Path(self.data_dir).expanduser() if self.data_dir else user_data_path("treatywatch", appauthor=False)

    def database_url(self) -> str:
        """The SQLAlchemy URL of the database."""
        if self.url_file:
            return secret_in(self.url_file, "storage.url_file")
        return self.url or sqlite_url(self.directory() / "coverage.db")


def secret_in(file: str, place: str) -> str:
    """What a file holds that keeps a secret; `place` names the setting. Raises InvalidSettings."""
    try:
        return Path(file).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, ValueError, RuntimeError) as error:
        raise InvalidSettings(f"{place} {file} can't be read: {error}") from None


def sqlite_url(file: Path) -> str:
    """The database URL of a SQLite file."""
    return f"sqlite:///{quote(str(file))}"


class FeedsSettings(Section):
    """Which outlets are watched."""

    file: Place

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
    drain_s: NotNegative
    lease_s: Annotated[float, Field(ge=1, le=3600)]


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


def _web_address(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"https?://[^\s/?#]+[^\s]*", value.get_secret_value()):
        raise ValueError("write a web address in full, beginning with https://")
    return value


class WebhookSettings(Section):
    """Who is told of alarms, and how."""

    urls: tuple[Annotated[SecretStr, AfterValidator(_web_address)], ...]
    format: Literal["json", "slack"]
    secret: Annotated[SecretStr, AfterValidator(_secret_enough)]


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

    directory: Place
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


class ReportSettings(Section):
    """How figures are shown."""

    min_n: Annotated[int, Field(ge=5)]
    level: Annotated[float, Field(ge=0.5, lt=1)]
    language: Literal["en", "ja"]


def _public(value: str) -> str:
    if value and not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", value):
        raise ValueError("write it like https://watch.example.org")
    return value


class MailSettings(Section):
    """The server that mails are handed to, and what they say of us."""

    host: str
    port: Annotated[int, Field(ge=1, le=65535)]
    security: Literal["starttls", "tls", "none"]
    ca_file: str
    user: str
    password: SecretStr
    sender: str
    timeout_s: Positive
    give_up_h: Positive
    public_url: Annotated[str, AfterValidator(_public)]


class DigestSettings(Section):
    """What new mailing lists begin with, and how much a digest tells."""

    zone: str
    send_at: str
    max_stories: Annotated[int, Field(ge=1, le=200)]


class LogSettings(Section):
    """What is logged."""

    level: Literal["debug", "info", "warning", "error"]
    json_lines: Annotated[bool, Field(alias="json")]
