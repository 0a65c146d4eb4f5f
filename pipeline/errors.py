"""What can go wrong, as types.

    TreatywatchError
    |- SettingsError            a setting, feed list or codebook is wrong: nothing runs until it is mended
    |- StorageError             the database can't be opened, is newer than the program, or refuses a write
    |- ModelError               the embedding model or the trained heads are missing or don't fit together
    '- CollectError(url)        one URL could not become text; others are unaffected
       |- FetchError            the bytes did not arrive
       |- ParseError            the bytes are not a feed we can read
       '- ExtractError          the page has no article text

Every error carries a `reason`: a short, stable word for tables and counters (`timeout`, `not_a_feed`). A collect
error also says whether trying again later can help (`retry`). The message tells the reader what to do next.
"""

from __future__ import annotations

import copyreg

# Reasons of feeds and pages whose reading cost a worker process its life.
LETHAL = tuple(f"{read}_{fate}" for read in ("parse", "extract") for fate in ("timeout", "memory", "crash"))


class TreatywatchError(Exception):
    """Base of all errors that treatywatch raises on purpose."""

    def __init__(self, message: str, *, reason: str = "error") -> None:
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple[object, ...]:
        """Travel between processes whole: exceptions are rebuilt from their message alone otherwise."""
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class SettingsError(TreatywatchError):
    """Settings, feed list or codebook are wrong."""


class StorageError(TreatywatchError):
    """The database can't be used as it stands."""


class ModelError(TreatywatchError):
    """The embedding model or the trained heads can't be used."""


class CollectError(TreatywatchError):
    """One URL could not be turned into text. `retry`: whether a later try can succeed by itself."""

    def __init__(self, message: str, *, url: str, reason: str, retry: bool = True) -> None:
        super().__init__(message, reason=reason)
        self.url = url
        self.retry = retry

    @property
    def lethal(self) -> bool:
        """Whether reading the body cost a worker process its life."""
        return self.reason in LETHAL


class FetchError(CollectError):
    """The bytes of a URL did not arrive whole and safe.

    Reasons: `blocked_address bad_scheme bad_url too_many_redirects timeout too_large bad_encoding incomplete protocol
    tls dns connect http_status gone robots`. `status` is the HTTP status where there was one; `retry_after_s` what the
    server asked for, unclamped.
    """

    def __init__(
        self,
        message: str,
        *,
        url: str,
        reason: str,
        retry: bool = True,
        status: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, url=url, reason=reason, retry=retry)
        self.status = status
        self.retry_after_s = retry_after_s


class ParseError(CollectError):
    """The bytes are no feed: reasons `not_a_feed empty malformed too_large`.

    Or reading them killed a worker: `parse_timeout parse_memory parse_crash`.
    """


class ExtractError(CollectError):
    """The page has no article text: reasons `no_text not_html too_deep`.

    Or reading it killed a worker: `extract_timeout extract_memory extract_crash`.
    """
