"""The tables. `migrations/` brings a database to this state; a test holds the two together.

Feeds announce entries; an entry's page is an article; an article's texts are its revisions; a run screens
and scores revisions. Offsets count Unicode code points of the title or text they refer to. Every time is UTC.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    UniqueConstraint,
    event,
    text,
)

from config.sources import FeedFormat, FeedKind
from pipeline.records import Family, Language, Part, Role, Voice
from storage.columns import Id, Json, Text, Utc

LANGUAGES, KINDS, FORMATS = get_args(Language), get_args(FeedKind), get_args(FeedFormat)
PARTS, FAMILIES, VOICES = get_args(Part), get_args(Family), get_args(Voice)
ROLES = get_args(Role)
FEED_STATES = ("ok", "degraded", "failing", "gone", "quiet")
ENTRY_STATES = ("announced", "done", "dropped")
PASS_OUTCOMES = ("running", "ok", "failed")
TONGUES = ("en", "ja")  # that digests are written in
NOTICE_EVENTS = ("began", "ended")
NOTICE_STATES = ("pending", "sent", "failed")
OUTBOX_STATES = ("pending", "sending", "sent", "failed", "unknown")
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
# What `findable` is searched by; SQLAlchemy knows no such tables.
GRAMS = {
    "sqlite": (
        "CREATE VIRTUAL TABLE findable_grams USING fts5(grams, content='', columnsize=0, detail=none, "
        "tokenize='ascii')",
    ),
    "postgresql": (
        "CREATE TABLE findable_grams (article_id bigint CONSTRAINT pk_findable_grams PRIMARY KEY CONSTRAINT "
        "fk_findable_grams_article_id REFERENCES findable ON DELETE CASCADE, grams integer[] NOT NULL)",
        "CREATE INDEX ix_findable_grams_grams ON findable_grams USING gin (grams)",
    ),
}

metadata = MetaData(naming_convention=NAMES)


def _id() -> Column[int]:
    return Column("id", Id, primary_key=True)


def _to(table: str, name: str, **options: Any) -> Column[int]:
    return Column(name, Id, ForeignKey(f"{table}.id"), **{"nullable": False, **options})


def _key(name: str, type_: Any) -> Column[Any]:
    return Column(name, type_, primary_key=True, autoincrement=False)


def _must(names: str, type_: Any = None) -> list[Column[Any]]:
    return [Column(name, type_ or Text(), nullable=False) for name in names.split()]


def _may(names: str, type_: Any = None) -> list[Column[Any]]:
    return [Column(name, type_ or Text()) for name in names.split()]


def _blank(names: str) -> list[Column[str]]:
    return [Column(name, Text(), nullable=False, server_default="") for name in names.split()]


def _count(names: str) -> list[Column[int]]:
    return [Column(name, Integer(), nullable=False, server_default="0") for name in names.split()]


def _lease() -> list[Column[Any]]:
    return [*_may("lease_owner"), *_may("lease_until", Utc())]


def _state(words: tuple[str, ...]) -> list[Any]:
    return [Column("state", Text(), nullable=False, server_default=words[0]), _one_of("state", words)]


def _one_of(column: str, words: Iterable[str]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({', '.join(repr(word) for word in words)})", name=column)


def _within(column: str, low: int, high: int) -> CheckConstraint:
    return CheckConstraint(f"{column} BETWEEN {low} AND {high}", name=column)


def _span(parts: tuple[str, ...] = PARTS) -> list[Any]:
    inside = CheckConstraint("0 <= start_offset AND start_offset <= end_offset", name="span")
    return [*_must("part"), *_must("start_offset end_offset", Integer()), _one_of("part", parts), inside]


feeds = Table(
    "feeds", metadata, _id(), *_must("url outlet country language kind format"),
    *_must("active", Boolean()), *_blank("title"), *_may("etag last_modified body_hash"),
    *_may("due_at checked_at", Utc()), *_count("failures"), *_state(FEED_STATES),
    *_must("state_since", Utc()), *_blank("reason detail"), *_may("last_success_at last_new_at", Utc()),
    *_lease(), *_may("ttl_s", Integer()),
    *_may("skip_hours skip_days", Json), _one_of("language", LANGUAGES),
    _one_of("kind", KINDS), _one_of("format", FORMATS), UniqueConstraint("url"),
    Index(None, "active", "due_at"),
)  # fmt: skip

feed_moves = Table(
    "feed_moves", metadata, _id(), _to("feeds", "feed_id"), *_must("old_url new_url"), *_must("at", Utc()),
    Index(None, "old_url"), Index(None, "feed_id"),
)  # fmt: skip

fetches = Table(
    "fetches", metadata, _id(), _to("feeds", "feed_id", nullable=True), *_must("url what"),
    *_must("at", Utc()), *_count("duration_ms"), *_must("outcome"), *_may("status", Integer()),
    *_may("bytes", Id), *_blank("detail"), _one_of("what", ("feed", "page")),
    UniqueConstraint("url", "what", "at"), Index(None, "at"), Index(None, "feed_id", "at"),
    Index(None, "what", "outcome"),
)  # fmt: skip

passes = Table(
    "passes", metadata, _id(), *_must("started_at", Utc()), *_may("ended_at", Utc()), *_must("outcome"),
    *_blank("detail"), *_count("feeds failed new scored unscored judged"),
    Column("judge_s", Double(), nullable=False, server_default="0"), *_may("judge_buckets", Json),
    _one_of("outcome", PASS_OUTCOMES),
)  # fmt: skip

articles = Table(
    "articles", metadata, _id(), *_must("url outlet"), *_blank("country"), *_must("language"),
    *_blank("kind"), *_must("first_seen_at", Utc()), *_may("published_at", Utc()),
    *_must("revision", Integer()), CheckConstraint("url <> ''", name="url"), _one_of("kind", ("", *KINDS)),
    UniqueConstraint("url"), Index(None, "outlet", "published_at"), Index(None, "published_at"),
)  # fmt: skip

article_urls = Table(
    "article_urls", metadata, _key("url", Text()), _to("articles", "article_id"), Index(None, "article_id"),
)  # fmt: skip

entries = Table(
    "entries", metadata, _id(), _to("feeds", "feed_id"), *_must("key"), *_may("link url"),
    *_blank("title summary author language"), *_may("published_at updated_at", Utc()),
    *_must("first_seen_at", Utc()), *_state(ENTRY_STATES), *_count("attempts"), *_may("next_try_at", Utc()),
    *_blank("reason"), _to("articles", "article_id", nullable=True), *_lease(), UniqueConstraint("feed_id", "key"),
    Index(None, "state", "next_try_at"), Index(None, "url"), Index(None, "article_id"),
    Index(None, "feed_id", "first_seen_at"),
)  # fmt: skip

revisions = Table(
    "revisions", metadata, _id(), _to("articles", "article_id"), *_must("number", Integer()),
    *_must("content_hash"), *_blank("title byline"), *_must("language"), *_may("published_at", Utc()),
    *_must("text"), *_must("partial", Boolean()), *_blank("extractor"), *_must("fetched_at", Utc()), *_lease(),
    CheckConstraint("number >= 1", name="number"), UniqueConstraint("article_id", "number"),
    UniqueConstraint("article_id", "content_hash"), Index(None, "content_hash"),
)  # fmt: skip

runs = Table(
    "runs", metadata, _id(),
    *_must("stamp model model_hash engine codebook codebook_hash heads_hash version"),
    *_must("created_at", Utc()), *_may("turn", Integer()), UniqueConstraint("stamp"),
)  # fmt: skip

drops = Table(
    "drops", metadata, _id(), _to("entries", "entry_id", nullable=True),
    _to("revisions", "revision_id", nullable=True), _to("runs", "run_id", nullable=True),
    *_must("url stage"), *_blank("content_hash"), *_must("reason"), *_blank("detail"), *_must("at", Utc()),
    UniqueConstraint("url", "stage", "content_hash"), Index(None, "stage", "reason"),
    Index(None, "revision_id"),
)  # fmt: skip

vectors = Table(
    "vectors", metadata, _to("revisions", "revision_id", primary_key=True), _key("model", Text()),
    *_must("dimensions count", Integer()), *_must("data", LargeBinary()),
)  # fmt: skip

passages = Table(
    "passages", metadata, _key("revision_id", Id), _key("model", Text()), _key("position", Integer()),
    *_span(), ForeignKeyConstraint(["revision_id", "model"], ["vectors.revision_id", "vectors.model"]),
)  # fmt: skip

# Derived from the current texts: no backup holds it, and a restore makes it anew.
findable = Table(
    "findable", metadata, _to("articles", "article_id", primary_key=True, autoincrement=False),
    *_must("language folded"), info={"derived": True},
)  # fmt: skip


@event.listens_for(findable, "after_create")
def _make_grams(_: Table, connection: Connection, **__: Any) -> None:
    for statement in GRAMS[connection.dialect.name]:
        connection.exec_driver_sql(statement)


@event.listens_for(findable, "before_drop")
def _drop_grams(_: Table, connection: Connection, **__: Any) -> None:
    connection.exec_driver_sql("DROP TABLE IF EXISTS findable_grams")


meanings = Table(
    "meanings", metadata, _id(), _to("articles", "article_id"), _to("revisions", "revision_id"),
    *_must("model language"), *_must("vector", LargeBinary()), UniqueConstraint("article_id"),
    Index(None, "revision_id"),
)  # fmt: skip

screenings = Table(
    "screenings", metadata, _to("revisions", "revision_id", primary_key=True),
    _to("runs", "run_id", primary_key=True), *_must("relevant", Boolean()), *_must("value", Double()),
    *_blank("reason"), *_must("terms", Json), *_must("screened_at", Utc()), _within("value", 0, 1),
    Index(None, "run_id", "screened_at"),
)  # fmt: skip

scores = Table(
    "scores", metadata, _id(), _to("revisions", "revision_id"), _to("runs", "run_id"),
    *_must("tone tone_low tone_high outlook scrutiny", Double()), *_must("omitted", Json),
    *_must("scored_at", Utc()), *_may("expected_error credulity", Double()), *_may("given unusual", Json),
    _within("tone", -1, 1), _within("outlook", 0, 1), _within("scrutiny", 0, 1),
    CheckConstraint("-1 <= tone_low AND tone_low <= tone_high AND tone_high <= 1", name="interval"),
    UniqueConstraint("revision_id", "run_id"), Index(None, "run_id", "tone"),
)  # fmt: skip

codings = Table(
    "codings", metadata, _to("scores", "score_id", primary_key=True), _key("position", Integer()), *_span(),
    *_must("text_hash family voice"), *_must("optimistic vigilant neutral", Double()),
    *_must("facts", Json), _one_of("family", FAMILIES), _one_of("voice", VOICES),
)  # fmt: skip

coding_codes = Table(
    "coding_codes", metadata, _key("score_id", Id), _key("position", Integer()), _key("code", Text()),
    *_must("strength", Double()), CheckConstraint("0 < strength AND strength <= 1", name="strength"),
    ForeignKeyConstraint(["score_id", "position"], ["codings.score_id", "codings.position"]),
    Index(None, "code", "score_id"),
)  # fmt: skip

series = Table(
    "series", metadata, _id(), *_must("outlet country kind language"),
    UniqueConstraint("outlet", "country", "kind", "language"),
)  # fmt: skip

# What stands of the scores, and sums of it: derived (see `storage.standing`), so they refer to nothing and no backup
# holds them.
standing = Table(
    "standing", metadata, _key("run_id", Id), _key("article_id", Id), *_must("score_id series_id", Id),
    *_must("outlet country kind language"), *_must("at", Utc()), *_must("tone outlook scrutiny", Double()),
    *_may("credulity", Double()), *_must("first_scored_at", Utc()), Index(None, "article_id"),
    UniqueConstraint("score_id"), Index(None, "run_id", "at", "article_id"),
    Index(None, "run_id", "tone", "article_id"),
    Index(None, "run_id", "outlet", "at", "article_id"), Index(None, "run_id", "country", "at", "article_id"),
    Index(None, "run_id", "kind", "at", "article_id"), Index(None, "run_id", "language", "at", "article_id"),
    Index(None, "run_id", "first_scored_at", "outlet"), info={"derived": True},
)  # fmt: skip

tone_sums = Table(
    "tone_sums", metadata, _key("run_id", Id), _key("grain", Text()), _key("start", Text()), _key("series_id", Id),
    *_must("n", Integer()), *_must("tone squares outlook scrutiny credulity", Double()),
    *_must("credulous", Integer()), sqlite_with_rowid=False, info={"derived": True},
)  # fmt: skip

word_sums = Table(
    "word_sums", metadata, _key("run_id", Id), _key("what", Text()), _key("grain", Text()), _key("start", Text()),
    _key("series_id", Id), _key("word", Text()), *_must("n", Integer()), sqlite_with_rowid=False,
    info={"derived": True},
)  # fmt: skip

lineages = Table("lineages", metadata, _id(), *_must("created_at", Utc()))

lineage_members = Table(
    "lineage_members", metadata, _to("articles", "article_id", primary_key=True),
    _to("lineages", "lineage_id"), *_must("similarity", Double()), *_must("joined_at", Utc()),
    _within("similarity", 0, 1), Index(None, "lineage_id"),
)  # fmt: skip

coders = Table(
    "coders", metadata, _id(), *_must("name"), *_blank("note"), *_must("created_at", Utc()),
    UniqueConstraint("name"),
)  # fmt: skip

human_codings = Table(
    "human_codings", metadata, _id(), _to("coders", "coder_id"), _to("revisions", "revision_id"),
    *_span(("article", *PARTS)), *_may("relevant", Boolean()), *_may("tone", Double()),
    *_must("codes", Json), *_may("voice"), *_must("coded_at", Utc()), _one_of("voice", VOICES),
    _within("tone", -1, 1), Index(None, "revision_id"),
    UniqueConstraint("coder_id", "revision_id", "part", "start_offset", "end_offset", name="uq_human_unit"),
)  # fmt: skip

mailing_lists = Table(
    "mailing_lists", metadata, _id(), *_must("name language zone send_at"), *_must("weekdays", Json),
    *_must("empty_days", Boolean()), *_must("created_at", Utc()), _one_of("language", TONGUES),
    UniqueConstraint("name"),
)  # fmt: skip

recipients = Table(
    "recipients", metadata, _id(), _to("mailing_lists", "list_id"), *_must("address"), *_must("added_at", Utc()),
    *_may("unsubscribed_at", Utc()), UniqueConstraint("list_id", "address"),
)  # fmt: skip

digests = Table(
    "digests", metadata, _id(), *_must("edition day language"), *_must("covers_from covers_to", Utc()),
    *_must("quiet", Boolean()), _to("runs", "run_id", nullable=True), *_blank("subject html plain"),
    *_must("figures", Json), *_may("chart", LargeBinary()), *_must("created_at", Utc()),
    _one_of("language", TONGUES), UniqueConstraint("edition", "day"), Index(None, "day"),
)  # fmt: skip

digest_items = Table(
    "digest_items", metadata, _to("digests", "digest_id", primary_key=True), _key("position", Integer()),
    *_must("edition"), *_must("story", Integer()), _to("articles", "article_id"), _to("scores", "score_id"),
    UniqueConstraint("edition", "article_id"), Index(None, "score_id"), Index(None, "article_id"),
)  # fmt: skip

outbox = Table(
    "outbox", metadata, _id(), _to("digests", "digest_id", nullable=True),
    _to("recipients", "recipient_id", nullable=True), *_must("recipient message_id"), *_state(OUTBOX_STATES),
    *_count("attempts"), *_may("next_try_at lease_until handed_at", Utc()), *_blank("reason"), *_may("token_hash"),
    *_must("payload", Json), *_must("created_at", Utc()), *_may("sent_at", Utc()),
    UniqueConstraint("message_id"), UniqueConstraint("digest_id", "recipient"),
    Index(None, "state", "next_try_at"), Index(None, "token_hash"),
)  # fmt: skip

tokens = Table(
    "tokens", metadata, _id(), *_must("name role prefix"), *_must("salt hash", LargeBinary()),
    *_must("created_at", Utc()), *_may("expires_at last_used_at revoked_at", Utc()), _one_of("role", ROLES),
    UniqueConstraint("prefix"),
)  # fmt: skip

# The few rows that somebody is at work on.
for _table in (feeds, entries, revisions):
    _held = _table.c.lease_owner.is_not(None)
    Index(f"ix_{_table.name}_lease_owner", _table.c.lease_owner, sqlite_where=_held, postgresql_where=_held)
notices = Table(
    "notices", metadata, _id(), *_must("hook kind subject"), *_must("number", Integer()), *_must("event"),
    *_must("payload", Json), *_state(NOTICE_STATES), *_count("attempts"), *_must("next_try_at created_at", Utc()),
    *_blank("reason"), *_may("sent_at", Utc()), _one_of("event", NOTICE_EVENTS),
    UniqueConstraint("hook", "kind", "subject", "number"), Index(None, "state", "next_try_at"),
)  # fmt: skip

# A name may be used again once its token is revoked.
_UNREVOKED = text("revoked_at IS NULL")
Index("uq_tokens_name", tokens.c.name, unique=True, sqlite_where=_UNREVOKED, postgresql_where=_UNREVOKED)
