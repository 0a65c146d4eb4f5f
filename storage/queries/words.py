"""How many articles bear a code or leave a fact out, and how many passages of a family stand in a voice, by group.

They come out of `word_sums` where the filter allows it, else out of the articles themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from sqlalchemy import Connection, Select, func, literal, select

from storage.queries.filters import Filter, Group, run_or_current, scored
from storage.queries.spans import spans, summed
from storage.queries.tones import among, matching
from storage.schema import coding_codes, codings, scores, standing, word_sums

What = Literal["code", "omitted", "voice"]


def words(
    connection: Connection, wanted: Filter, what: What, *, group: Group | None = None
) -> dict[tuple[str, str], int]:
    """Counts by (group, word); "" stands for all groups together. The word of a voice is `family/voice`."""
    known = matching(connection, wanted)
    found: dict[tuple[str, str], int] = {}
    for selection in _selections(connection, wanted, what) if known else ():
        for series_id, word, n in connection.execute(selection):
            if series_id in known:
                key = (getattr(known[series_id], group) if group else "", word)
                found[key] = found.get(key, 0) + n
    return dict(sorted(found.items()))


def _selections(connection: Connection, wanted: Filter, what: What) -> Iterator[Select[Any]]:
    if not summed(wanted):
        yield _counted(connection, wanted, what)
        return
    columns = (word_sums.c.series_id, word_sums.c.word)
    mine = (word_sums.c.run_id == run_or_current(connection, wanted.run_id), word_sums.c.what == what)
    known = matching(connection, wanted)
    for span in spans(wanted, None):
        selection = select(*columns, func.sum(word_sums.c.n)).where(*mine, *span.within(word_sums))
        yield selection.where(*among(word_sums.c.series_id, wanted, known)).group_by(*columns)


def _counted(connection: Connection, wanted: Filter, what: What) -> Select[Any]:
    of = standing.c.series_id
    if what == "voice":
        word = codings.c.family.concat("/").concat(codings.c.voice)
        selection = scored(connection, wanted, of, word, func.count())
        return selection.join(codings, codings.c.score_id == standing.c.score_id).group_by(of, word)
    if what == "code":
        selection = scored(connection, wanted, of, coding_codes.c.code, func.count(standing.c.score_id.distinct()))
        joined = selection.join(coding_codes, coding_codes.c.score_id == standing.c.score_id)
        return joined.group_by(of, coding_codes.c.code)
    facts = _facts(connection)
    selection = scored(connection, wanted, of, facts.c.value, func.count())
    joined = selection.join(scores, scores.c.id == standing.c.score_id).join(facts, literal(True))
    return joined.group_by(of, facts.c.value)


def _facts(connection: Connection) -> Any:
    if connection.dialect.name == "sqlite":
        return func.json_each(scores.c.omitted).table_valued("value")
    return func.jsonb_array_elements_text(scores.c.omitted).table_valued("value").lateral()
