"""The words of dates: months, eras and time zones as feeds in English, Russian and Japanese write them."""

from __future__ import annotations

ENGLISH = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
RUSSIAN = ("янв", "фев", "мар", "апр", "май", "июн", "июл", "авг", "сен", "окт", "ноя", "дек")
MONTHS = {
    **{name: number for number, name in enumerate(ENGLISH, 1)},
    **{name: number for number, name in enumerate(RUSSIAN, 1)},
    "мая": 5,
}
# The year before the first year of each era.
ERAS = {"令和": 2018, "平成": 1988, "昭和": 1925, "大正": 1911}

_H = 60
# Minutes east of UTC. Where an abbreviation has several meanings, RFC 822 decides, then Japan and Russia.
ZONES = {
    **dict.fromkeys(("z", "ut", "utc", "gmt", "wet"), 0),
    **dict.fromkeys(("bst", "wst", "west", "cet"), 1 * _H),
    **dict.fromkeys(("cest", "eet", "kalt"), 2 * _H),
    **dict.fromkeys(("msk", "мск", "москва", "москве", "московское", "eest", "trt"), 3 * _H),
    **dict.fromkeys(("msd", "samt"), 4 * _H),
    **dict.fromkeys(("yekt", "екб"), 5 * _H),
    "ist": 5 * _H + 30,
    "omst": 6 * _H,
    "krat": 7 * _H,
    **dict.fromkeys(("irkt", "hkt", "sgt", "awst"), 8 * _H),
    **dict.fromkeys(("jst", "kst", "yakt", "日本時間"), 9 * _H),
    **dict.fromkeys(("vlat", "aest", "влд"), 10 * _H),
    **dict.fromkeys(("sakt", "magt", "aedt"), 11 * _H),
    **dict.fromkeys(("pett", "nzst"), 12 * _H),
    "nzdt": 13 * _H,
    "adt": -3 * _H,
    **dict.fromkeys(("edt", "ast"), -4 * _H),
    **dict.fromkeys(("est", "cdt"), -5 * _H),
    **dict.fromkeys(("cst", "mdt"), -6 * _H),
    **dict.fromkeys(("mst", "pdt"), -7 * _H),
    **dict.fromkeys(("pst", "akdt"), -8 * _H),
    "akst": -9 * _H,
    "hst": -10 * _H,
}
JAPAN = 9 * _H
MOSCOW = 3 * _H
