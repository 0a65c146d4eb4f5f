from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.collect.dates import parse_date

NOW = datetime(2024, 11, 24, 12, tzinfo=UTC)
SAME = "2004-01-01T19:48:21"
CASES = {
    # RFC 822, RFC 5322, RFC 850, asctime, JavaScript
    "Thu, 01 Jan 2004 19:48:21 GMT": SAME,
    "Thu, 01 Jan 2004 19:48:21 UT": SAME,
    "Thu, 01 Jan 2004 19:48:21": SAME,
    "Thu,01 Jan 2004 19:48:21GMT": SAME,
    "Mon, 01 Jan 2004 19:48:21 GMT": SAME,
    "Thu Jan  1 19:48:21 2004": SAME,
    "Thursday, 01-Jan-04 19:48:21 GMT": SAME,
    "01-Jan-2004 19:48:21": SAME,
    "Thu, 01 Jan 2004 19:48:21 XXX": SAME,
    "Thu, 01 Jan 2004 19:48:21 +9999": SAME,
    "Thu, 01 Jan 2004 19:48:21 +0900": "2004-01-01T10:48:21",
    "Thu, 01 Jan 2004 19:48:21 JST": "2004-01-01T10:48:21",
    "Thu Jan 01 2004 19:48:21 GMT+0900 (JST)": "2004-01-01T10:48:21",
    "Thu, 01 Jan 2004 19:48 EDT": "2004-01-01T23:48",
    "01 Jan 04 19:48 MSK": "2004-01-01T16:48",
    "Thu Jan  1 19:48:21 EST 2004": "2004-01-02T00:48:21",
    "Tue, 10 Sept 2019 08:00:00 +0000": "2019-09-10T08:00",
    "Thu, 06 Feb 2020 00:00:00 PST": "2020-02-06T08:00",
    "Thu, 06 Feb 2020 10:00 AEST": "2020-02-06T00:00",
    # English
    "January 1, 2004 7:48 PM": "2004-01-01T19:48",
    "January 1st, 2004, 7:48 p.m. EST": "2004-01-02T00:48",
    "Jan 1, 2004 12:05 AM": "2004-01-01T00:05",
    "Wednesday, September 4, 2019 - 10:15": "2019-09-04T10:15",
    "1 May 2009": "2009-05-01",
    "12/31/2003 1:30 PM": "2003-12-31T13:30",
    "31/12/2003": "2003-12-31",
    # ISO 8601
    "2004-01-01T19:48:21Z": SAME,
    "20040101T194821Z": SAME,
    "2004-01-01T19:48:21.123+09:00": "2004-01-01T10:48:21",
    "2004-01-01T19:48:21+09:00[Asia/Tokyo]": "2004-01-01T10:48:21",
    "2003-12-31T10:14:55\u221208:00": "2003-12-31T18:14:55",
    "2004-01-01 19:48:21 UTC+03:00": "2004-01-01T16:48:21",
    "2004-01-01T24:00:00Z": "2004-01-02",
    "2004-01-01T23:59:60Z": "2004-01-01T23:59:59",
    "2004-01-01": "2004-01-01",
    "2004-01": "2004-01-01",
    "20040101": "2004-01-01",
    # Japanese
    "2024年1月1日": "2023-12-31T15:00",
    "2024年1月1日(月) 12時30分": "2024-01-01T03:30",
    "2024年1月1日 午後3時5分": "2024-01-01T06:05",
    "２０２４年１月１日１２：３０": "2024-01-01T03:30",
    "2024年1月1日 12:30 UTC": "2024-01-01T12:30",
    "令和6年1月1日": "2023-12-31T15:00",
    "令和元年5月1日 10:00": "2019-05-01T01:00",
    "平成30年12月1日": "2018-11-30T15:00",
    "2024/01/01(月) 12:30": "2024-01-01T12:30",
    "2024/01/01 12:30 JST": "2024-01-01T03:30",
    # Russian
    "1 января 2024 г., 12:30": "2024-01-01T09:30",
    "12:30, 01 января 2024": "2024-01-01T09:30",
    "Пт, 5 янв. 2024 12:30": "2024-01-05T09:30",
    "Ср, 06 Мар 2024 12:30:00 GMT": "2024-03-06T12:30",
    "пт, 05 янв 2024 12:30:00 +0300": "2024-01-05T09:30",
    "5 мая 2023": "2023-05-04T21:00",
    "31.12.2003 12:30": "2003-12-31T12:30",
    "01.02.24 10:00": "2024-02-01T10:00",
    # Epoch
    "1072986501": SAME,
    "1072986501000": SAME,
}
NONE = (
    None, "", "yesterday", "сегодня, 12:30", "foo 12", "0000-00-00", "0000-00-00 00:00:00", "9999-12-31",
    "Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 01 Jan 2004 25:61:00 GMT", "Thu, 32 Jan 2004 19:48:21 GMT", "2023-02-30",
    "Thu, 01 Jan 1970 00:00:00 GMT", "0", "-62135596800", "99999999999999999999", "令和99年1月1日", "2024年13月1日",
    "x" * 10_000, "Mon, 27 Jan 2025 00:00:00 GMT",
)  # fmt: skip


@pytest.mark.parametrize("raw", CASES)
def test_F36_a_date_is_read_as_utc(raw: str) -> None:
    assert parse_date(raw, now=NOW) == datetime.fromisoformat(CASES[raw]).replace(tzinfo=UTC)


@pytest.mark.parametrize("raw", NONE)
def test_F36_what_names_no_time_that_can_be_true_is_none(raw: str | None) -> None:
    assert parse_date(raw, now=NOW) is None


def test_F36_a_date_a_day_ahead_is_the_limit() -> None:
    assert parse_date("2024-11-25T12:00:00Z", now=NOW) == NOW + timedelta(hours=24)
    assert parse_date("2024-11-25T12:00:01Z", now=NOW) is None


@given(st.one_of(st.text(), st.text(alphabet="0123456789-/:.+ TZGMTjanmayмаягод年月日時分午後令和元１２apm,()\u2212")))
@example("1" * 16)
@example("令和元年0月0日")
def test_F36_no_text_raises_or_leaves_the_bounds(raw: str) -> None:
    found = parse_date(raw, now=NOW)
    assert found is None or (found.tzinfo is UTC and found.year >= 1970 and found <= NOW + timedelta(hours=24))
