"""The list of feeds."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.invalid import InvalidSettings
from config.sources import load_feeds

FEED = """[[feed]]
url = "https://a.example/rss"
outlet = "A"
country = "JP"
language = "ja"
kind = "wire"
"""


def written(tmp_path: Path, content: str) -> Path:
    file = tmp_path / "feeds.toml"
    file.write_text(content, encoding="utf-8")
    return file


def test_the_shipped_list_covers_three_languages_and_all_kinds() -> None:
    feeds = load_feeds()
    outlets = {feed.outlet for feed in feeds}
    kinds = {feed.kind for feed in feeds}
    per_language = {language: sum(feed.language == language for feed in feeds) for language in ("en", "ja", "ru")}
    assert len(outlets) >= 60
    assert kinds >= {"wire", "national", "broadcaster", "regional", "state", "official", "think_tank"}
    assert min(per_language.values()) >= 12


def test_a_feed_needs_a_url_and_an_outlet(tmp_path: Path) -> None:
    (feed,) = load_feeds(written(tmp_path, FEED))
    assert (feed.url, feed.outlet, feed.format, feed.verified) == ("https://a.example/rss", "A", "rss", False)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (FEED + 'languge = "ja"\n', "languge: Extra inputs are not permitted; did you mean 'language'"),
        (FEED.replace("https", "ftp"), r"feed 1 \(ftp://a.example/rss\): url"),
        (FEED.replace('"ja"', '"de"'), "language"),
        (FEED + FEED, "listed twice"),
        ("[[feed]\n", "not valid TOML"),
    ],
)
def test_a_fault_names_the_feed_and_the_key(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(InvalidSettings, match=message):
        load_feeds(written(tmp_path, content))


def test_a_missing_list_says_which_setting_to_mend(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match=r"feeds\.file"):
        load_feeds(tmp_path / "none.toml")
