"""Finds articles by the words in them: an index of the current texts, kept in the transaction that changes them.

`findable` holds each text as it is compared; `findable_grams` its grams: on SQLite a full-text table, on PostgreSQL an
array under a GIN index. Neither needs an extension or depends on a locale, and terms of one or two characters are
found as well. Grams only narrow the search down; what holds a term is decided on the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    and_,
    any_,
    delete,
    func,
    literal,
    literal_column,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT

from storage.folding import Grams, fold, grams, of_language, sought
from storage.schema import findable

MOST_CANDIDATES = (
    10_000  # texts looked into, some 10 µs each; where more may hold the terms, a reader's page is full soon
)
BATCH = 500
_CURRENT = """
    SELECT articles.id, revisions.language, revisions.title, revisions.text, revisions.extractor = 'removed' AS removed
    FROM articles JOIN revisions ON revisions.article_id = articles.id AND revisions.number = articles.revision
"""


def keep(connection: Connection, article_ids: Iterable[int]) -> None:
    """Have the articles found by their current texts, and those whose text was removed by none."""
    for article_id in article_ids:
        row = connection.execute(text(f"{_CURRENT} WHERE articles.id = :id"), {"id": article_id}).one_or_none()
        now = _compared(row) if row and not row.removed else None
        same = findable.c.article_id == article_id
        former = connection.execute(select(findable.c.language, findable.c.folded).where(same)).one_or_none()
        if former is not None and now != tuple(former):
            _forget(connection, article_id, *former)
        if now is not None and (former is None or now != tuple(former)):
            _add(connection, [(article_id, *now)])


def fill(connection: Connection) -> None:
    """Add what is not in the index yet: some 2 ms an article."""
    page = f"""{_CURRENT} WHERE articles.id > :after AND revisions.extractor <> 'removed'
        AND articles.id NOT IN (SELECT article_id FROM findable WHERE article_id > :after)
        ORDER BY articles.id LIMIT {BATCH}"""
    after = 0
    while rows := connection.execute(text(page), {"after": after}).all():
        _add(connection, [(row.id, *_compared(row)) for row in rows])
        after = rows[-1].id


def clear(connection: Connection) -> None:
    """Empty the index."""
    if connection.dialect.name == "sqlite":
        connection.execute(text("INSERT INTO findable_grams (findable_grams) VALUES ('delete-all')"))
    connection.execute(delete(findable))  # PostgreSQL's grams go with it


def holding(
    connection: Connection,
    terms: Iterable[str],
    article_id: Column[int],
    *,
    language: str | None = None,
    most: int = MOST_CANDIDATES,
) -> list[ColumnElement[bool]]:
    """The conditions under which the article's text holds all the terms. `language`: no other one is asked for.

    Rare terms are looked up at once; for others the rows are to be looked at in the order that the reader wants.
    """
    needles = list(dict.fromkeys(folded for term in terms if (folded := fold(term))))
    if not needles:
        return []
    found = _found(connection, needles, language, most)
    if found is None:
        return [_looked_at(connection, needles, article_id)]
    return [among(connection, found, article_id)]


def among(connection: Connection, ids: Sequence[int], column: Column[int]) -> ColumnElement[bool]:
    """Whether the column has one of the ids, which are one value to the database, however many."""
    if connection.dialect.name == "sqlite":
        listed = func.json_each(f"[{','.join(map(str, ids))}]").table_valued("value")
        return column.in_(select(listed.c.value))
    return column == any_(literal(list(ids), ARRAY(BIGINT)))


def _found(connection: Connection, needles: Sequence[str], language: str | None, most: int) -> list[int] | None:
    """The articles that hold the terms; None where too many might."""
    keys = np.unique(np.concatenate([sought(needle) for needle in needles]))
    if not len(keys):
        return None
    keys = keys if language is None else np.append(keys, of_language(language))
    asked = {"keys": _match(keys) if connection.dialect.name == "sqlite" else keys.tolist()}
    ids = connection.scalars(_candidates(connection).limit(most + 1), asked).all()
    if len(ids) > most:
        return None
    exact = select(findable.c.article_id).where(
        among(connection, ids, findable.c.article_id), _holds(connection, needles)
    )
    return list(connection.scalars(exact))


def _candidates(connection: Connection) -> Any:
    if connection.dialect.name == "sqlite":
        column, condition = "rowid", "findable_grams MATCH :keys"
    else:
        column, condition = "article_id", "grams @> CAST(:keys AS integer[])"
    return select(literal_column(column).label("id")).select_from(text("findable_grams")).where(text(condition))


def _looked_at(connection: Connection, needles: Sequence[str], article_id: Column[int]) -> ColumnElement[bool]:
    # a value, not EXISTS: PostgreSQL would turn that into a join, and look into every text before it sorts
    held = select(_holds(connection, needles)).where(findable.c.article_id == article_id)
    return func.coalesce(held.correlate(article_id.table).scalar_subquery(), False)


def _holds(connection: Connection, needles: Sequence[str]) -> ColumnElement[bool]:
    place = func.instr if connection.dialect.name == "sqlite" else func.strpos
    return and_(*(place(findable.c.folded, needle) > 0 for needle in needles))


def _compared(row: Any) -> tuple[str, str]:
    """No term has a line break, so none is found across that between title and text."""
    return row.language, f"{fold(row.title)}\n{fold(row.text)}"


def _add(connection: Connection, texts: list[tuple[int, str, str]]) -> None:
    names = ("article_id", "language", "folded")
    connection.execute(findable.insert(), [dict(zip(names, one, strict=True)) for one in texts])
    keys = {article_id: _keys(language, folded) for article_id, language, folded in texts}
    if connection.dialect.name == "sqlite":
        rows: list[Any] = [{"id": article_id, "grams": _words(found)} for article_id, found in keys.items()]
        connection.execute(text("INSERT INTO findable_grams (rowid, grams) VALUES (:id, :grams)"), rows)
    else:
        rows = [{"id": article_id, "grams": found.tolist()} for article_id, found in keys.items()]
        connection.execute(text("INSERT INTO findable_grams (article_id, grams) VALUES (:id, :grams)"), rows)


def _forget(connection: Connection, article_id: int, language: str, folded: str) -> None:
    if connection.dialect.name == "sqlite":  # a table that keeps no text has to be told what it forgets
        gone = "INSERT INTO findable_grams (findable_grams, rowid, grams) VALUES ('delete', :id, :grams)"
        connection.execute(text(gone), {"id": article_id, "grams": _words(_keys(language, folded))})
    connection.execute(delete(findable).where(findable.c.article_id == article_id))


def _keys(language: str, folded: str) -> Grams:
    return np.union1d(grams(folded), of_language(language))


def _words(numbers: Grams) -> str:
    return " ".join(format(number, "x") for number in numbers.view(np.uint32).tolist())


def _match(numbers: Grams) -> str:
    return " ".join(f'"{format(number, "x")}"' for number in numbers.view(np.uint32).tolist())
