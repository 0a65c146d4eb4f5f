"""URLs: resolving, cleaning, and the one form by which a page is known.

Parsing follows the WHATWG URL Standard (https://url.spec.whatwg.org/), as browsers do.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

import ada_url

MAX_LENGTH = 2048
SCHEMES = ("http:", "https:")
# Parameters that say where a reader came from, never which page it is.
TRACKING = re.compile(
    r"utm_\w+|(fb|g|y|dcl|msclk|tt|twcl|igsh|mc_e|wickede)id|gclsrc|_openstat|yclid|ysclid|_ga|mc_cid|oly_enc_id|at_medium|at_campaign",
    re.IGNORECASE,
)
CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


def resolve(base: str, link: str) -> str | None:
    """`link` as it stands on the page `base`, absolute; None unless it leads to http or https and is of sane length."""
    if len(link) > MAX_LENGTH:
        return None
    try:
        url = ada_url.URL(link, base)
    except ValueError:
        return None
    href = str(url.href)
    return href if url.protocol in SCHEMES and url.hostname and len(href) <= MAX_LENGTH else None


def canonical(url: str) -> str:
    """The form by which a page is known: WHATWG-normalised, without fragment, user, and tracking parameters.

    Scheme, `www.` and trailing slash stay: servers may give other pages there, and articles of one outlet with the same text are
    joined by their content anyway. What is no web address is returned as it is.
    """
    try:
        parsed = ada_url.URL(url)
    except ValueError:
        return url
    if parsed.protocol not in SCHEMES:
        return url
    parsed.hash, parsed.username, parsed.password = "", "", ""
    kept = [part for part in parsed.search.removeprefix("?").split("&") if part and not _tracks(part)]
    parsed.search = "&".join(kept)
    return str(parsed.href)


def _tracks(parameter: str) -> bool:
    return bool(TRACKING.fullmatch(unquote_plus(parameter.partition("=")[0])))


def host_of(url: str) -> str:
    """The host name of a URL, lower case, without port; '' where there is none."""
    try:
        return str(ada_url.URL(url).hostname)
    except ValueError:
        return ""


def redacted(url: str) -> str:
    """The URL without user name and password, for logs and messages."""
    return re.sub(r"(?<=://)[^/?#@]*@", "", CONTROLS.sub("", url))
