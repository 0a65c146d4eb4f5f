"""Addresses of the web: how a link is resolved, when two of them are one article, and what may be shown of them.

Parsing follows the WHATWG URL standard, as browsers do. Nothing here looks a host up, or decides whether it may be.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import unquote, unquote_plus, unquote_to_bytes

from ada_url import URL

from pipeline.errors import FetchError

MAX_LENGTH = 2048  # characters; longer ones fit neither browsers' address bars nor a database's index
SCHEMES = ("http:", "https:")

# Set by ad networks, mail services and audience counters to tell visitors apart; none of them selects what is shown.
TRACKING = frozenset(
    [
        "fbclid",
        "gclid",
        "gclsrc",
        "dclid",
        "gbraid",
        "wbraid",
        "msclkid",
        "yclid",
        "ysclid",
        "twclid",
        "ttclid",
        "igshid",
        "mc_cid",
        "mc_eid",
        "_openstat",
        "_ga",
        "_gl",
        "__twitter_impression",
        "cmpid",
        "n_cid",
        "ocid",
        "ns_mchannel",
        "ns_source",
        "ns_campaign",
        "ns_linkname",
        "ns_fee",
    ]
)
TRACKING_PREFIXES = ("utm_", "at_medium", "at_campaign", "at_custom", "pk_campaign", "mtm_")
# These may select content, and count as tracking only where the value names the channel that a reader came through.
CHANNEL_NAMES = frozenset(["ref", "iref", "from", "source", "src"])
CHANNEL = re.compile(r"(?:\w+_)?(?:rss|rdf|atom|feed|twitter|facebook|telegram)", re.IGNORECASE)

# Feeds for subscribers are opened by a key in the address.
SECRET_PARAMETER = re.compile(
    r"([?&;](?:[\w.-]*(?:token|secret|passw(?:or)?d|api[_-]?key|auth|signature)|key|pass|pwd|sig)=)[^&;#\s\"'<>)]+",
    re.IGNORECASE,
)
LOGIN = re.compile(r"\b(https?:[/\\]*|[a-z][a-z0-9+.-]{0,20}://)[^\s/?#\\\"'<>]*@", re.IGNORECASE)

UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An http or https address, ready to be asked for.

    `url` has neither credentials nor fragment; `host` is ASCII; `authorization` is the value of the header that the
    credentials in the address ask for, or ''.
    """

    url: str
    host: str
    origin: str
    authorization: str = field(default="", repr=False)


def parse(url: str) -> Address:
    """Take an address apart. Raises FetchError: `bad_url`, or `bad_scheme` where it is neither http nor https."""
    parsed = _parsed(url)
    authorization = _basic(parsed.username, parsed.password) if parsed.username or parsed.password else ""
    _strip(parsed)
    parsed.hash = ""
    return Address(url=parsed.href, host=parsed.hostname, origin=parsed.origin, authorization=authorization)


def resolve(base: str, link: str) -> str | None:
    """The address that `link` means on the page `base`; None unless it is http or https and at most 2048 characters."""
    target = join(base, link)
    return target if target and target.startswith(SCHEMES) and len(target) <= MAX_LENGTH else None


def join(base: str, link: str) -> str | None:
    """The address that `link` means on the page `base`, of whatever scheme and length; None if it is no address."""
    for start in (base, None):  # a full link needs no base, so a useless one does no harm
        try:
            return str(URL(link, start).href)
        except ValueError:
            continue
    return None


def canonical(url: str) -> str:
    """The identity of an article's address: two spellings that surely show the same article become one.

    Dropped are credentials, the fragment (unless it is a `#!` route, which selects content), the default port and
    parameters that only track; hosts become lower-case ASCII and percent escapes take one form. Kept are the order of
    the query, `www.`, the slash at the end and the scheme: servers are free to show something else without them, and
    the result has to work as a link, also for outlets that answer on one of the forms only. Where an outlet does
    redirect one form to the other, the address that a fetch ends at is the same for both.

    Idempotent, and never fails on what `resolve` returned. Raises FetchError: `bad_url`, `bad_scheme`.
    """
    parsed = _parsed(url)
    _strip(parsed)
    if not parsed.hash.startswith("#!"):
        parsed.hash = ""
    parsed.pathname = _one_form(parsed.pathname)
    parts = parsed.search.removeprefix("?").split("&")
    kept = "&".join(_one_form(part) for part in parts if part and not _tracks(part))
    # Setting a query takes one ? off its front, which may be its own.
    parsed.search = f"?{kept}" if kept else ""
    return str(parsed.href)


def host_of(url: str) -> str:
    """The host in lower-case ASCII, IPv6 in brackets. Raises FetchError: `bad_url`, `bad_scheme`."""
    return str(_parsed(url).hostname)


def redacted(url: str) -> str:
    """The address without user name and password, otherwise as it was; fit for logs whatever it is."""
    if "@" not in url:
        return url
    try:
        parsed = URL(url)
    except ValueError:
        return _cut(url)
    if parsed.username or parsed.password:
        _strip(parsed)
        return str(parsed.href)
    return url if parsed.protocol in SCHEMES else _cut(url)


def without_secrets(text: str) -> str:
    """Any text, without the logins and keys in the addresses that it names; fit for other people's screens."""
    return SECRET_PARAMETER.sub(r"\1***", LOGIN.sub(r"\1", text))


def _cut(text: str) -> str:
    """In what is no address of the web, a password may be anywhere before the last @ ("anna:secret@news.example")."""
    return re.sub(r"^\s*([A-Za-z][A-Za-z0-9+.-]*:)?.*@", r"\1//", text, flags=re.DOTALL)


def _parsed(url: str) -> URL:
    try:
        parsed = URL(url)
    except ValueError:
        message = f"{redacted(url)!r} is no web address; write it in full, beginning with https://"
        raise FetchError(message, url=redacted(url), reason="bad_url", retry=False) from None
    if parsed.protocol not in SCHEMES:
        message = f"{redacted(url)!r} is neither http nor https, and nothing else is fetched"
        raise FetchError(message, url=redacted(url), reason="bad_scheme", retry=False)
    return parsed


def _strip(parsed: URL) -> None:
    parsed.username = parsed.password = ""


def _basic(username: str, password: str) -> str:
    return "Basic " + b64encode(unquote_to_bytes(username) + b":" + unquote_to_bytes(password)).decode("ascii")


def _tracks(part: str) -> bool:
    name, _, value = part.partition("=")
    name = unquote_plus(name).lower()
    if name in CHANNEL_NAMES:
        return CHANNEL.fullmatch(unquote(value)) is not None
    return name in TRACKING or name.startswith(TRACKING_PREFIXES)


def _one_form(text: str) -> str:
    """Escapes in upper case, none where a character may stand for itself (RFC 3986, 6.2.2), and no bare %."""
    return ESCAPE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    if match[1] is None:
        return "%25"
    character = chr(int(match[1], 16))
    return character if character in UNRESERVED else match[0].upper()
