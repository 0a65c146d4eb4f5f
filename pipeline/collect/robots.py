"""What robots.txt allows, by RFC 9309."""

from __future__ import annotations

from dataclasses import dataclass

from protego import Protego

MAX_BYTES = 500 * 1024  # what the RFC asks a crawler to read at least
MAX_DELAY_S = 30.0  # a longer Crawl-delay would starve the other pages of the host


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The rules of one origin until `until_s` on the loop's clock."""

    rules: Protego | None
    allow_all: bool
    until_s: float

    def allows(self, url: str, agent: str) -> bool:
        """Whether `agent` may fetch `url`."""
        return self.allow_all if self.rules is None else bool(self.rules.can_fetch(url, agent))

    def delay_s(self, agent: str) -> float:
        """The pause that the host asks for."""
        asked = self.rules.crawl_delay(agent) if self.rules else None
        return min(float(asked or 0), MAX_DELAY_S)


def rules_of(body: bytes, until_s: float) -> Rules:
    """The rules that a robots.txt holds; one that is no text allows everything."""
    text = body[:MAX_BYTES].decode("utf-8", "replace")
    if "\x00" in text:
        return Rules(rules=None, allow_all=True, until_s=until_s)
    return Rules(rules=Protego.parse(text), allow_all=True, until_s=until_s)
