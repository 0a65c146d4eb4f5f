"""The guard: every connection goes to an address that was looked up once, and checked.

A feed list and the links in feeds are other people's words. Without the guard they could point treatywatch at the
machines of the network it runs in. Host header and TLS verification stay on the name; only the connection is pinned.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

import httpcore
from httpcore import SOCKET_OPTION

from pipeline.errors import TreatywatchError

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Looks up (host, port): the addresses in the order they are to be tried. Raises OSError."""

ATTEMPT_S = 5.0  # for one of several addresses, so that a dead one (often IPv6) leaves time for the next

# Not public although `is_global` calls some of them so, differing between Python's releases: relays into private IPv4
# (RFC 7526, RFC 3056, RFC 6052, RFC 4380), documentation (RFC 9637), and what is no host.
NEVER = tuple(
    ip_network(network)
    for network in (
        "192.88.99.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )
)
UNICAST = ip_network("2000::/3")  # the only IPv6 space in use for hosts of the Internet


class GuardError(TreatywatchError):
    """No connection that may be used: reasons `blocked_address`, `dns` (the name leads nowhere) and `tls`."""


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is one of the public Internet. An IPv4 address mapped into IPv6 is judged as itself."""
    address = _unmapped(address)
    if address.version == 6 and address not in UNICAST:
        return False
    return address.is_global and not any(address in network for network in NEVER)


class Guard(httpcore.AsyncNetworkBackend):
    """Opens connections for httpcore, to public addresses and those in `allow_networks` (CIDR) only.

    If any of a name's addresses is refused the name is: whoever mixes public and private answers is up to something.
    Raises GuardError, and httpcore's errors where the connection fails.
    """

    def __init__(self, resolve: Resolve, allow_networks: Iterable[str] = ()) -> None:
        self._resolve = resolve
        self._allowed = tuple(ip_network(network, strict=False) for network in allow_networks)
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first of the host's addresses that answers."""
        *first, last = await self._addresses(host, port)
        for address in first:
            try:
                stream = await self._backend.connect_tcp(address, port, ATTEMPT_S, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
            return _Connection(stream)
        return _Connection(await self._backend.connect_tcp(last, port, timeout, local_address, socket_options))

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109, ARG002 - httpcore's signature
        socket_options: Iterable[SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore.AsyncNetworkStream:
        """Refuse: a socket in the file system is never public."""
        raise GuardError(f"the socket {path} is not on the Internet", reason="blocked_address")

    async def sleep(self, seconds: float) -> None:
        """Wait between httpcore's own attempts."""
        await self._backend.sleep(seconds)

    async def _addresses(self, host: str, port: int) -> list[str]:
        found = [_unmapped(address) for address in await self._look_up(host, port)]
        for address in found:
            if not self._may_visit(address):
                message = f"{host} leads to {address}, which is not a public address; if it is meant, list its network"
                raise GuardError(f"{message} under fetch.allow_networks", reason="blocked_address")
        return [str(address) for address in dict.fromkeys(found)]

    async def _look_up(self, host: str, port: int) -> list[IPv4Address | IPv6Address]:
        try:
            return [ip_address(host)]
        except ValueError:
            pass
        try:
            found = [ip_address(answer) for answer in await self._resolve(host, port)]
        except (OSError, ValueError) as error:
            raise GuardError(f"{host} could not be looked up ({error}); check its spelling", reason="dns") from None
        if not found:
            raise GuardError(f"{host} has no address; check its spelling", reason="dns")
        return found

    def _may_visit(self, address: IPv4Address | IPv6Address) -> bool:
        return is_public(address) or any(address in network for network in self._allowed)


class _Connection(httpcore.AsyncNetworkStream):
    """A connection whose TLS handshake ends well or with the connection closed.

    httpcore (1.0.9) leaves it open when a deadline cancels the handshake, and calls every failure a ConnectError.
    """

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        try:
            return await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except httpcore.ConnectError as error:
            message = f"{server_hostname} shows no certificate that can be trusted ({error})"
            raise GuardError(f"{message}; give its authority in SSL_CERT_FILE if it is yours", reason="tls") from None
        except BaseException:
            await self._stream.aclose()
            raise


class SystemResolver:
    """The system's name service, asked in threads of its own: a dead name server must not hold up other work.

    `threads`: look-ups under way at once.
    """

    def __init__(self, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="resolve")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """The host's addresses in the system's order. Raises OSError."""
        loop = asyncio.get_running_loop()
        # As bytes the name passes as it is; a str would be encoded again, and fail for labels that IDNA dislikes.
        name = host.encode("ascii")
        found = await loop.run_in_executor(self._threads, _getaddrinfo, name, port)
        return [str(address[0]) for *_, address in found]

    def close(self) -> None:
        """Give up look-ups that have not begun; doesn't wait for those under way."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _getaddrinfo(name: bytes, port: int) -> Sequence[tuple[Any, ...]]:
    return socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)


def _unmapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
