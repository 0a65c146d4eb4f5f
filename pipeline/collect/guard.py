"""Which addresses may be connected to, decided at connect time on the address itself.

A name is looked up once for each connection and the connection goes to the address that was checked, so that a name which answers
differently the second time (DNS rebinding) gains nothing. Host header and TLS verification stay on the name.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

import httpcore

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

GLOBAL_UNICAST = IPv6Network("2000::/3")
# Ranges that `is_global` lets through although they lead elsewhere: 6to4 and its relays, Teredo and the other IETF assignments.
ELSEWHERE = (IPv4Network("192.88.99.0/24"), IPv6Network("2002::/16"), IPv6Network("2001::/23"))


class BlockedAddressError(Exception):
    """A host leads to an address that must not be fetched."""


class LookupFailedError(Exception):
    """A host name leads nowhere."""


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public internet (RFC 6890 and its registries)."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return is_public(address.ipv4_mapped)
        if address not in GLOBAL_UNICAST:
            return False
    elsewhere = any(address in network for network in ELSEWHERE if network.version == address.version)
    return address.is_global and not address.is_multicast and not elsewhere


async def system_resolve(host: str, port: int) -> Sequence[str]:
    """The addresses that the system gives for a host."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Guard(httpcore.AsyncNetworkBackend):
    """Opens connections to checked addresses only. `allow`: networks that may be reached although they are not public."""

    def __init__(self, allow: Iterable[str] = (), resolve: Resolve | None = None) -> None:
        self._allow: tuple[Network, ...] = tuple(ip_network(network, strict=False) for network in allow)
        self._resolve = resolve or system_resolve
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Look the host up, check every answer, connect to the first that takes the connection.

        Raises BlockedAddressError if any answer may not be reached, LookupFailedError if there is none.
        """
        addresses = await self._checked(host.strip("[]"), port)
        for number, address in enumerate(addresses, 1):
            try:
                return await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
            except httpcore.ConnectError:
                if number == len(addresses):
                    raise
        raise LookupFailedError(host)

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        """Never: a socket file is no public address."""
        raise BlockedAddressError("unix socket")

    async def sleep(self, seconds: float) -> None:
        """Wait, as httpcore asks between its tries."""
        await self._backend.sleep(seconds)

    async def _checked(self, host: str, port: int) -> Sequence[str]:
        try:
            answers = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise LookupFailedError(f"{host}: {error}") from None
        if not answers:
            raise LookupFailedError(f"{host} has no address")
        for answer in answers:
            if not self._may_reach(ip_address(answer.partition("%")[0])):
                raise BlockedAddressError(f"{host} leads to {answer}")
        return answers

    def _may_reach(self, address: Address) -> bool:
        plain = address.ipv4_mapped if isinstance(address, IPv6Address) and address.ipv4_mapped else address
        return is_public(plain) or any(plain in network for network in self._allow if network.version == plain.version)
