"""Settings: layered key by key, strict about strangers."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from config.invalid import InvalidSettings
from config.settings import Settings, load

NOTHING: dict[str, str] = {}


def test_defaults_are_valid_and_every_one_has_a_comment() -> None:
    text = files("config").joinpath("settings.toml").read_text(encoding="utf-8")
    uncommented = []
    commented = False
    for line in text.splitlines():
        if re.match(r"\w+ = ", line) and not commented:
            uncommented.append(line)
        commented = line.startswith("#") or (commented and bool(re.match(r"\w+ = ", line)))
    assert load(environ=NOTHING).model_dump(by_alias=True).keys() == tomllib.loads(text).keys()
    assert uncommented == []


def test_flags_win_over_environment_over_file_over_defaults(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[fetch]\ntimeout_s = 1\nmax_redirects = 1\nconcurrency = 1\n")
    environ = {"TREATYWATCH_FETCH__TIMEOUT_S": "2", "TREATYWATCH_FETCH__MAX_REDIRECTS": "2"}
    fetch = load(file, ["fetch.timeout_s=3"], environ).fetch
    assert (fetch.timeout_s, fetch.max_redirects, fetch.concurrency, fetch.host_concurrency) == (3, 2, 1, 1)


def test_a_file_can_be_named_in_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[score]\ncoverage = 0.5\n")
    assert load(environ={"TREATYWATCH_CONFIG": str(file)}).score.coverage == 0.5


def test_lists_and_strings_are_read_from_the_environment() -> None:
    environ = {"TREATYWATCH_FETCH__ALLOW_NETWORKS": '["10.0.0.0/8"]', "TREATYWATCH_FETCH__CONTACT": "12"}
    fetch = load(environ=environ).fetch
    assert (fetch.allow_networks, fetch.contact) == (("10.0.0.0/8",), "12")


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("fetch.timout_s=3", "--set: unknown key 'fetch.timout_s'; did you mean 'timeout_s'?"),
        ("fecth.timeout_s=3", "--set: unknown section 'fecth'; did you mean 'fetch'?"),
        ("fetch.timeout_s", "write it as section.key=value"),
        ("fetch.timeout_s=-1", "--set: fetch.timeout_s = -1: Input should be greater than 0"),
        ("fetch.timeout_s=nan", "fetch.timeout_s"),
        ("fetch.allow_networks=['300.0.0.0/8']", "does not appear to be an IPv4 or IPv6 network"),
        ("fetch.user_agent=a\r\nb", "fetch.user_agent"),
        ("log.level=loud", "log.level = 'loud': Input should be 'debug', 'info', 'warning' or 'error'"),
    ],
)
def test_a_fault_names_the_key_and_the_nearest(flag: str, message: str) -> None:
    with pytest.raises(InvalidSettings, match=re.escape(message)):
        load(flags=[flag], environ=NOTHING)


def test_a_fault_in_the_environment_or_a_file_names_its_place(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[poll]\nmax_entries = 'many'\n")
    with pytest.raises(InvalidSettings, match=r"mine\.toml: poll\.max_entries = 'many'"):
        load(file, environ=NOTHING)
    with pytest.raises(InvalidSettings, match=r"the environment: unknown key 'poll\.max_entrys'"):
        load(environ={"TREATYWATCH_POLL__MAX_ENTRYS": "3"})


@pytest.mark.parametrize("content", ["fetch = 1", "[fetch\n", "\xff"])
def test_a_broken_file_is_a_clear_error(tmp_path: Path, content: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_bytes(content.encode("latin-1"))
    with pytest.raises(InvalidSettings, match=r"mine\.toml"):
        load(file, environ=NOTHING)


def test_settings_are_frozen() -> None:
    settings = load(environ=NOTHING)
    with pytest.raises(ValueError, match="frozen"):
        settings.fetch.timeout_s = 1.0  # type: ignore[misc]
    assert isinstance(settings, Settings)


def test_the_database_url_may_come_from_a_secret_file(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgresql://u:p@host/db\n")
    assert (
        load(flags=[f"storage.url_file={secret}"], environ=NOTHING).storage.database_url() == "postgresql://u:p@host/db"
    )


def test_any_key_may_come_from_a_file_that_the_environment_names(tmp_path: Path) -> None:
    (tmp_path / "contact").write_text("+https://a.example\n")
    (tmp_path / "url").write_text("postgresql://u:p@host/db\n")
    environ = {
        "TREATYWATCH_FETCH__CONTACT_FILE": str(tmp_path / "contact"),
        "TREATYWATCH_STORAGE__URL_FILE": str(tmp_path / "url"),  # a key of its own
    }
    settings = load(environ=environ)
    assert settings.fetch.contact == "+https://a.example"
    assert settings.storage.database_url() == "postgresql://u:p@host/db"


def test_a_file_that_can_not_be_read_is_named_with_its_variable(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match=r"TREATYWATCH_WEB__SECRET_FILE .*none can't be read"):
        load(environ={"TREATYWATCH_WEB__SECRET_FILE": str(tmp_path / "none")})
    with pytest.raises(InvalidSettings, match=r"unknown key 'web\.secrt_file'; did you mean 'secret'"):
        load(environ={"TREATYWATCH_WEB__SECRT_FILE": "x"})


def test_secrets_are_shown_neither_in_messages_nor_in_settings() -> None:
    with pytest.raises(InvalidSettings) as caught:
        load(flags=["web.secret=hunter2"], environ=NOTHING)
    secret = "hunter2" * 5
    settings = load(flags=[f"web.secret={secret}"], environ=NOTHING)
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(settings) + str(settings.web) + settings.web.model_dump_json()
    assert settings.web.secret.get_secret_value() == secret


@pytest.mark.parametrize(
    ("flag", "fine"),
    [("web.hosts=['watch.example.org','[::1]']", True), ("web.hosts=['https://a.example']", False),
     ("web.hosts=['a.example:80']", False), ("web.hosts=['A.example']", False), ("web.hosts=['*']", False),
     ("web.trusted_proxies=['10.0.0.0/8','::1']", True), ("web.trusted_proxies=['*']", False)],
)  # fmt: skip
def test_hosts_and_proxies_are_names_and_networks(flag: str, fine: bool) -> None:
    if fine:
        load(flags=[flag], environ=NOTHING)
        return
    with pytest.raises(InvalidSettings, match=r"web\."):
        load(flags=[flag], environ=NOTHING)
