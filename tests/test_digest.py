"""What the daily digest says."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.records import Dropped
from pipeline.report.charts.palette import DARK, SCALE
from pipeline.report.digest import setting
from pipeline.report.digest.making import Made, standing_alone
from pipeline.report.words import VOICES, Words
from storage import articles, digests
from storage.database import Database, open_database
from tests.newsroom import (
    DAY,
    PNG,
    START,
    Seen,
    add,
    add_list,
    made_of,
    many,
    tell,
)
from tests.samples import HOUR, add_feed, article, entry


@pytest.mark.parametrize("language", ["en", "ja"])
def test_page_and_text_say_the_same(database: Database, language: str) -> None:
    for number in range(6):
        add(database, number, START, tone=(number - 2) / 3, outlet=f"Outlet{number % 2}")
    digest = made_of(database, language=language).unkept()
    seen = Seen(digest.html)
    spoken = [line.strip(" >-") for line in digest.plain.splitlines()]
    plain = re.sub(r"\S+://\S+", "", " ".join(spoken))
    missing = [
        word for line in spoken if line and "://" not in line
        for word in re.split(r"^\d+\. |^== |^\(|\)$", line) if word and word not in seen.text
    ]  # fmt: skip
    assert missing == []
    ornaments = ("treatywatch", "·", "(", ")")
    assert [word for word in seen.words if word not in ornaments and word.strip("(·) ") not in plain] == []
    assert {link for link in seen.links if link} == set(re.findall(r"https://\S+", digest.plain))


def test_every_story_has_tone_interval_quotations_voices_omissions_and_links(database: Database) -> None:
    add(database, 1, START, tone=0.8)
    add(database, 2, START, tone=-0.4, outlet="Strait")
    digest = made_of(database).unkept()
    seen, words = Seen(digest.html), Words("en")
    for part in (
        "Headline 1", "strongly credulous", "+0.80 [+0.50, +1.00]", "Asahi (Japan)", "Headline 2", "rather vigilant",
        "−0.40 [−0.70, −0.10]", "Talks on a treaty go on 1", words.gettext(VOICES["quoted_bare"]),
        "Words taken at face value", "Left out, 2 of 8: the constitutional clause of 2020", "Moscow's material motives",
    ):  # fmt: skip
        assert part in seen.text, part
        assert part in digest.plain, part
    assert seen.text.count(words.gettext(VOICES["quoted_bare"])) == 4  # two quotations each
    assert {"https://a.example/1", "https://watch.example.org/articles/1"} <= set(seen.links)


def test_the_subject_tells_the_finding(database: Database) -> None:
    add(database, 1, START, tone=0.8)
    add(database, 2, START, tone=0.1)
    few = made_of(database).unkept().subject
    for number in range(3, 9):
        add(database, number, START, tone=0.5)
    assert few == "Asahi, strongly credulous (+0.80): “Headline 1”; 1 more – Nov 24"
    assert made_of(database).unkept().subject == "Coverage is rather credulous (+0.49): 8 articles, 1 outlet – Nov 24"


def summary(made: Made) -> str:
    found = re.search(r'<ul class="summary".*?</ul>', made.row["html"], re.DOTALL)
    return found[0] if found else ""


def test_there_are_three_lines_and_a_mean_only_of_enough_articles(database: Database) -> None:
    add(database, 1, START)
    few = made_of(database)
    for number in range(2, 7):
        add(database, number, START)
    enough = made_of(database)
    assert few.row["figures"]["tone"] is None
    assert "A mean needs 5 articles." in few.row["plain"]
    assert enough.row["figures"]["tone"] == pytest.approx(0.5)
    assert [summary(made).count("<li") for made in (few, enough)] == [3, 3]


def test_wire_copy_is_one_story_with_all_its_outlets(database: Database) -> None:
    wire = f"The agency said that talks on a treaty go on. {tell(0)} {tell(1)}"
    for number, outlet in enumerate(("Asahi", "Strait", "Vektor")):
        add(
            database,
            number,
            START + number * timedelta(minutes=1),
            outlet=outlet,
            text=wire + f" {outlet}",
            tone=0.3 + number / 10,
        )
    add(database, 9, START, tone=-0.9)
    made = made_of(database)
    (wires, other) = made.row["figures"]["stories"]
    assert [one["outlet"] for one in wires["told_by"]] == ["Asahi", "Strait", "Vektor"]
    assert [item.story for item in made.items] == [1, 1, 1, 2]
    assert other["headline"] == "Headline 9"
    assert "Strait (Japan) +0.40" in made.row["plain"]


def test_the_chart_lies_in_the_mail_and_says_what_it_shows(database: Database) -> None:
    for week in range(3):
        for number in range(5):
            add(database, 10 * week + number, START - week * 7 * DAY, tone=week / 4)
    digest = made_of(database).unkept()
    ((_, image),) = [found for found in Seen(digest.html).tags if found[0] == "img"]
    assert (digest.chart or b"").startswith(PNG)
    assert (image["src"], "+0.50" in (image["alt"] or ""), (image["alt"] or "") in digest.plain) == (
        "cid:chart",
        True,
        True,
    )
    assert 'src="data:image/png;base64,' in standing_alone(digest)


def test_no_chart_where_there_is_nothing_to_draw(database: Database) -> None:
    add(database, 1, START)
    digest = made_of(database).unkept()
    assert (digest.chart, "<img" in digest.html) == (None, False)


def test_movers_alarms_and_what_was_dropped_are_told(database: Database) -> None:
    for number in range(6):
        add(database, number, START - 9 * DAY, tone=-0.6 + number / 100)
        add(database, 10 + number, START, tone=0.6 + number / 100)
    with database.write() as connection:
        articles.drop(connection, Dropped(url="https://x.example/1", stage="gate", reason="no_japan"), now=START)
    plain = made_of(database).unkept().plain
    assert "Asahi: from −0.57 (6 articles) to +0.62 (6) in a week, +1.20 [" in plain
    assert "Set aside: 1 (off the subject 1)." in plain
    assert "our own work does not get done" in plain  # no pass was ever made


def test_F65_what_is_not_judged_yet_is_told(database: Database) -> None:
    add(database, 1, START)
    with database.write() as connection:
        feed_id = add_feed(connection)[0]
        articles.add_entries(connection, feed_id, [entry("u", "https://a.example/u")], START)
        waiting = [one for one in articles.pending(connection, START) if one.entry.link == "https://a.example/u"]
        articles.store(connection, waiting[0].id, article("https://a.example/u", text="Another text."), START)
    assert "1 text still waits to be judged" in made_of(database).unkept().plain


def test_F61_what_outlets_write_stays_text(database: Database) -> None:
    evil = '<script>alert(1)</script><img src=x onerror=y>\r\nBcc: all@example.com\u2028"\'><a href="javascript:1">'
    add(database, 1, START, title=evil, outlet='<b>"O</b>', text=f"{evil} talks. {tell(1)}")
    made = made_of(database)
    seen = Seen(made.row["html"])
    assert {tag for tag, _ in seen.tags} & {"script", "iframe", "object", "form"} == set()
    assert [attributes for tag, attributes in seen.tags if tag == "img" and attributes.get("src") == "x"] == []
    assert [name for _, attributes in seen.tags for name in attributes if name.startswith("on")] == []
    assert all(link.startswith("https://") for link in seen.links)
    assert "\n" not in made.row["subject"]
    assert "<script>alert(1)</script>" in seen.text


def test_F62_names_that_turn_the_direction_of_writing_turn_nothing_of_ours(database: Database) -> None:
    add(database, 1, START, title="\u202eمعاهدة سلام\u2067 🇯🇵👩‍👩‍👧 平和条約")
    digest = made_of(database).unkept()
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", digest.subject + digest.plain + digest.html)
    assert "معاهدة سلام 🇯🇵👩‍👩‍👧 平和条約" in digest.plain
    assert [attributes["dir"] for tag, attributes in Seen(digest.html).tags if tag == "h3"] == ["auto"]


def test_F62_a_word_of_a_megabyte_is_cut(database: Database) -> None:
    add(database, 1, START, title="x" * 2**20, text="talks " + "y" * 2**17, outlet="z" * 5000)
    digest = made_of(database).unkept()
    assert len(digest.html) < 20_000
    assert len(digest.plain) < 5000
    assert len(digest.subject) < 300
    assert max(map(len, digest.plain.split())) <= 400


def test_F62_five_thousand_articles_make_a_digest_of_ordinary_length(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'c.db'}")
    add(database, 0, START)
    with database.write() as connection:
        many(connection, 5200)
    made = made_of(database)
    digest = made.unkept()
    assert len(made.items) == 5000
    assert "There was more than one digest holds" in digest.plain
    assert "And 4988 more stories; the dashboard has them all." in digest.plain
    assert len(digest.html) < 100_000
    add_list(database)
    with database.write() as connection:
        digests.keep(connection, made.row, made.items)
    with database.read() as connection:
        assert len(digests.new_coverage(connection, "daily", START - DAY, START + HOUR, limit=9000)) == 201
    database.close()


@pytest.mark.parametrize("language", ["en", "ja"])
def test_quotations_stay_in_their_language_and_say_which(database: Database, language: str) -> None:
    add(database, 1, START, language="ru", title="Путин о мирном договоре", text=f"Переговоры идут. {tell(1)}")
    digest = made_of(database, language=language).unkept()
    marked = [attributes["lang"] for tag, attributes in Seen(digest.html).tags if "lang" in attributes]
    assert marked == [language, "ru", "ru", "ru"]
    assert "Путин о мирном договоре" in digest.plain


def test_a_japanese_digest_has_no_english_of_ours(database: Database) -> None:
    for number in range(6):
        add(database, number, START, title="見出し", outlet="朝日報", text=f"交渉は続く。{tell(number)}")
    plain = made_of(database, language="ja").unkept().plain
    ours = re.sub(r"https?://\S+|> .*|`treatywatch alarms`|\b[0-9a-f]{16}\b", "", plain)
    ours = "\n".join(line for line in ours.splitlines() if "処理の停滞" not in line)  # alarms are told in English
    assert re.findall(r"[A-Za-z]{2,}", ours) == []
    assert "やや楽観的" in plain


def test_the_tones_of_a_digest_have_the_colours_of_the_charts_on_light_and_dark_paper() -> None:
    style = setting._style()
    light, dark = style.split(setting.DARK_QUERY)
    assert all(colour in light for colour in SCALE)
    assert all(DARK[colour] in dark for colour in SCALE)
    assert "var(" not in style
