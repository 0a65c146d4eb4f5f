"""What a pass works with, and what it tells: its tools, its watcher, its report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Protocol

from pipeline.analyse.judge import Judge
from pipeline.records import Article, Entry, Feed, Fetched, NotModified, ParsedFeed


class Fetch(Protocol):
    """The guarded fetch."""

    def __call__(
        self, url: str, *, etag: str | None = None, last_modified: str | None = None
    ) -> Awaitable[Fetched | NotModified]:
        """Fetch a URL or raise FetchError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """Everything a pass works with. Built once; tests build it from their own parts."""

    fetch: Fetch
    parse: Callable[[Fetched], Awaitable[ParsedFeed]]
    extract: Callable[[Fetched, Entry, Feed], Awaitable[Article]]
    from_summary: Callable[[Entry, Feed], Article]
    canonical: Callable[[str], str]
    judge: Judge
    clock: Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedOutcome:
    """What came of one feed: `ok`, `degraded`, `unchanged` or the reason of its failure."""

    url: str
    outlet: str
    outcome: str
    new: int = 0
    detail: str = ""

    @property
    def failed(self) -> bool:
        """Whether the feed could not be read."""
        return self.outcome not in ("ok", "degraded", "unchanged")


@dataclass(slots=True, kw_only=True)
class PassReport:
    """What a pass did. `counts`: articles by what became of them; `drops`: by (stage, reason).

    `judged_s`: the seconds that each judgement took.
    """

    feeds: list[FeedOutcome] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    drops: Counter[tuple[str, str]] = field(default_factory=Counter)
    judged_s: list[float] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether anything went wrong that an operator should look at."""
        return any(outcome.failed for outcome in self.feeds) or self.counts["unscored"] > 0

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values."""
        dropped = [{"stage": stage, "reason": reason, "n": n} for (stage, reason), n in sorted(self.drops.items())]
        return {
            "feeds": [asdict(outcome) for outcome in self.feeds],
            "counts": dict(self.counts),
            "dropped": dropped,
        }


class Watcher(Protocol):
    """Hears how far a pass is."""

    def stage(self, name: str, total: int) -> None:
        """A stage begins, with so many more things to do."""
        ...

    def done(self, name: str) -> None:
        """One of them is done."""
        ...


class Quiet:
    """A watcher that keeps what it hears to itself."""

    def stage(self, name: str, total: int) -> None:
        """Nothing."""

    def done(self, name: str) -> None:
        """Nothing."""
