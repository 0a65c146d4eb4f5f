"""How many articles bear a code or leave a fact out, and how many passages of a family stand in a voice, by group.

They come out of `word_sums` where the filter allows it, else out of the articles themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from sqlalchemy import Connection, Select, func, literal, literal_column, select

from storage.columns import Text
from storage.queries.filters import Filter, Group, run_or_current, scored
from storage.queries.spans import spans, summed
from storage.queries.tones import NONE, in_series
from storage.schema import coding_codes, codings, scores, series, standing, word_sums

What = Literal["code", "omitted", "voice"]


def words(
    connection: Connection, wanted: Filter, what: What, *, group: Group | None = None
) -> dict[tuple[str, str], int]:
    """Counts by (group, word); "" stands for all groups together. The word of a voice is `family/voice`."""
    found: dict[tuple[str, str], int] = {}
    for selection in _selections(connection, wanted, what, group):
        for name, word, n in connection.execute(selection):
            found[name, word] = found.get((name, word), 0) + n
    return dict(sorted(found.items()))


def _selections(connection: Connection, wanted: Filter, what: What, group: Group | None) -> Iterator[Select[Any]]:
    if not summed(wanted):
        yield _counted(connection, wanted, what, group)
        return
    name, word = series.c[group] if group else NONE, word_sums.c.word
    mine = (word_sums.c.run_id == run_or_current(connection, wanted.run_id), word_sums.c.what == what)
    for span in spans(wanted, None):
        selection = in_series(select(name, word, func.sum(word_sums.c.n)), word_sums, wanted, group)
        yield _by(selection.where(*mine, *span.within(word_sums)), word, name if group else None)


def _by(selection: Select[Any], *keys: Any) -> Select[Any]:
    return selection.group_by(*(key for key in keys if key is not None))


def _counted(connection: Connection, wanted: Filter, what: What, group: Group | None) -> Select[Any]:
    name = standing.c[group] if group else NONE
    of = name if group else None
    if what == "voice":
        word = codings.c.family.concat(literal_column("'/'", Text())).concat(codings.c.voice)
        selection = scored(connection, wanted, name, word, func.count())
        return _by(selection.join(codings, codings.c.score_id == standing.c.score_id), word, of)
    if what == "code":
        selection = scored(connection, wanted, name, coding_codes.c.code, func.count(standing.c.score_id.distinct()))
        joined = selection.join(coding_codes, coding_codes.c.score_id == standing.c.score_id)
        return _by(joined, coding_codes.c.code, of)
    facts = _facts(connection)
    selection = scored(connection, wanted, name, facts.c.value, func.count())
    joined = selection.join(scores, scores.c.id == standing.c.score_id).join(facts, literal(True))
    return _by(joined, facts.c.value, of)


def _facts(connection: Connection) -> Any:
    if connection.dialect.name == "sqlite":
        return func.json_each(scores.c.omitted).table_valued("value")
    return func.jsonb_array_elements_text(scores.c.omitted).table_valued("value").lateral()
