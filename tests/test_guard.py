"""The address guard: nothing but the public internet, unless settings say so."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import ip_address

import httpcore
import pytest

from config.sections import FetchSettings
from config.settings import load
from pipeline.collect.fetch import Fetcher
from pipeline.collect.guard import Guard, GuardError, Resolve, SystemResolver, is_public
from pipeline.errors import FetchError
from tests.loopback import Loopback, answer, redirect

PUBLIC = ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8"]
NOT_PUBLIC = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "255.255.255.255",
    "224.0.0.1", "239.255.255.250", "192.88.99.1", "198.18.0.1", "192.0.2.1", "203.0.113.7", "240.0.0.1",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1",
    "2002:7f00:1::", "fe80::1%1", "3fff::1",
    "2001::1", "2001:db8::1", "fe80::1", "fec0::1", "fc00::1", "fd12::1", "ff02::1", "100::1", "5f00::1",
]  # fmt: skip


def fetch_settings(*flags: str) -> FetchSettings:
    return load(flags=["fetch.respect_robots=false", "fetch.host_delay_s=0", *flags], environ={}).fetch


def fetched(url: str, *answers: Sequence[str], allow: str = "[]") -> FetchError | None:
    """Fetch with a resolver that gives each of `answers` in turn; the error, if there was one."""
    left = list(answers)

    async def resolve(host: str, port: int) -> Sequence[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    async def go() -> FetchError | None:
        settings = fetch_settings(f"fetch.allow_networks={allow}", "fetch.timeout_s=5")
        async with Fetcher(settings, resolve=resolve if answers else None) as fetcher:
            try:
                await fetcher.fetch(url)
            except FetchError as error:
                return error
        return None

    return asyncio.run(go())


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_reached(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_F5_special_ranges_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1"])
def test_F1_a_host_that_leads_inside_is_blocked_without_a_packet(address: str) -> None:
    with Loopback({"/": answer(b"secret")}) as server:
        error = fetched(server.url("/", host="outlet.example"), [address])
        assert (error and error.reason, server.requests) == ("blocked_address", [])


def test_F1_one_inside_answer_among_public_ones_blocks_the_host() -> None:
    error = fetched("http://outlet.example/", ["93.184.216.34", "127.0.0.1"])
    assert error is not None
    assert error.reason == "blocked_address"


def test_F2_a_name_that_changes_its_mind_is_checked_at_every_connection() -> None:
    with Loopback(
        {"/": answer(b"ok"), "/secret": answer(b"secret"), "/go": redirect("http://b.example/secret")}
    ) as server:
        error = fetched(
            server.url("/go", host="a.example").replace("b.example", f"b.example:{server.port}"),
            ["127.0.0.1"],
            ["10.0.0.1"],
            allow="['127.0.0.0/8']",
        )
        assert (error and error.reason, server.asked("/secret")) == ("blocked_address", [])


@pytest.mark.parametrize("target", ["http://169.254.169.254/latest/", "http://[::1]/", "http://10.0.0.1/"])
def test_F3_a_redirect_to_the_inside_is_blocked(target: str) -> None:
    with Loopback({"/": redirect(target)}) as server:
        error = fetched(server.url("/"), allow="['127.0.0.1/32']")
        assert error is not None
        assert (error.reason, error.url) == ("blocked_address", server.url("/"))


@pytest.mark.parametrize(
    "host", ["0x7f.1", "2130706433", "017700000001", "127.1", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "127.0.0.1."]
)
def test_F4_disguised_spellings_of_loopback_are_blocked(host: str) -> None:
    with Loopback({"/": answer(b"secret")}) as server:
        error = fetched(f"http://{host}:{server.port}/")
        assert (error and error.reason, server.requests) == ("blocked_address", [])


def test_a_network_that_settings_allow_may_be_reached() -> None:
    with Loopback({"/": answer(b"ok")}) as server:
        assert fetched(server.url("/"), allow="['127.0.0.0/8']") is None


def test_a_host_without_an_address_is_a_dns_error() -> None:
    error = fetched("http://outlet.example/", [])
    assert error is not None
    assert error.reason == "dns"


def answering(*answers: Sequence[str] | Exception) -> Resolve:
    """A resolver that gives one answer after the other."""
    left = list(answers)

    async def resolve(host: str, port: int) -> Sequence[str]:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return resolve


def refusal(guard: Guard, host: str, port: int = 80) -> str:
    with pytest.raises(GuardError) as caught:
        asyncio.run(guard.connect_tcp(host, port))
    return caught.value.reason


def connected(guard: Guard, host: str, port: int) -> str:
    """The address that the guard connects to."""

    async def go() -> str:
        stream = await guard.connect_tcp(host, port)
        address = stream.get_extra_info("server_addr")
        await stream.aclose()
        return str(address[0])

    return asyncio.run(go())


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_F1_a_name_that_leads_to_a_special_address_is_refused(address: str) -> None:
    assert refusal(Guard(answering([address])), "outlet.example") == "blocked_address"


def test_F2_what_was_checked_is_connected_to_without_a_second_look_up() -> None:
    with Loopback({}) as server:
        guard = Guard(answering(["127.0.0.1"], ["127.0.0.2"]), ["127.0.0.1/32"])
        assert connected(guard, "outlet.example", server.port) == "127.0.0.1"


@pytest.mark.parametrize("answers", [["127.0.0.2", "127.0.0.1"], ["::ffff:127.0.0.1"]])
def test_the_first_address_that_answers_is_taken(answers: list[str]) -> None:
    with Loopback({}) as server:
        guard = Guard(answering(answers), ["127.0.0.0/8"])
        assert connected(guard, "outlet.example", server.port) == "127.0.0.1"


def test_a_port_that_nobody_listens_on_is_httpcores_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(httpcore.ConnectError):
        connected(Guard(answering(), ["127.0.0.0/8"]), "127.0.0.1", port)


@pytest.mark.parametrize(
    "found", [[], ["no address"], ["127.1"], socket.gaierror(-2, "unknown"), UnicodeError("label too long")]
)
def test_a_name_that_leads_nowhere_is_a_dns_error(found: Sequence[str] | Exception) -> None:
    assert refusal(Guard(answering(found)), "outlet.example") == "dns"


@pytest.mark.parametrize("host", ["x" * 64 + ".invalid", "a..invalid", ".invalid", "x" * 300])
def test_names_that_no_name_service_takes_are_dns_errors(host: str) -> None:
    resolver = SystemResolver(1)
    found = refusal(Guard(resolver), host)
    resolver.close()
    assert found == "dns"


def test_unix_sockets_are_never_opened() -> None:
    with pytest.raises(GuardError) as caught:
        asyncio.run(Guard(answering(), ["0.0.0.0/0"]).connect_unix_socket("/run/docker.sock"))
    assert caught.value.reason == "blocked_address"
