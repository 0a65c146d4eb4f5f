"""Turns on hosts, time budgets, and what servers say about coming back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from time import monotonic

import pytest

from pipeline.collect.hosts import Budget, Hosts, retry_after_s

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class Crossing:
    """Sends visitors to hosts; `log` has (host, when it began), `most` the largest number at once for each host."""

    def __init__(self, hosts: Hosts, *, stay_s: float = 0.02) -> None:
        self.hosts, self.stay_s = hosts, stay_s
        self.log: list[tuple[str, float]] = []
        self.now: dict[str, int] = {}
        self.most: dict[str, int] = {}

    async def visit(self, host: str, *, delay_s: float = 0.0, stay_s: float | None = None) -> None:
        async with self.hosts.turn(host, delay_s):
            self.log.append((host, monotonic()))
            for name in (host, "all"):
                self.now[name] = self.now.get(name, 0) + 1
                self.most[name] = max(self.most.get(name, 0), self.now[name])
            await asyncio.sleep(self.stay_s if stay_s is None else stay_s)
            for name in (host, "all"):
                self.now[name] -= 1

    async def visit_all(self, names: Iterable[str]) -> None:
        await asyncio.gather(*(self.visit(name) for name in names))

    def pauses(self, host: str) -> list[float]:
        times = [at for name, at in self.log if name == host]
        return [later - earlier for earlier, later in pairwise(times)]


def hosts(*, concurrency: int = 16, host_concurrency: int = 1, delay_s: float = 0.0) -> Hosts:
    return Hosts(concurrency=concurrency, host_concurrency=host_concurrency, delay_s=delay_s)


@pytest.mark.parametrize("limit", [1, 2])
def test_F23_no_more_than_allowed_are_on_one_host(limit: int) -> None:
    crossing = Crossing(hosts(host_concurrency=limit))
    asyncio.run(crossing.visit_all(["a"] * 8))
    assert crossing.most["a"] == limit


def test_no_more_than_allowed_are_under_way_in_all() -> None:
    crossing = Crossing(hosts(concurrency=3))
    asyncio.run(crossing.visit_all("abcdefghijkl"))
    assert crossing.most["all"] == 3


@pytest.mark.parametrize("limit", [1, 3])
def test_a_host_rests_between_two_visits(limit: int) -> None:
    crossing = Crossing(hosts(host_concurrency=limit, delay_s=0.1), stay_s=0.01)
    asyncio.run(crossing.visit_all(["a"] * 4))
    assert min(crossing.pauses("a")) >= 0.1


def test_the_host_itself_may_ask_for_a_longer_rest() -> None:
    async def go(crossing: Crossing) -> None:
        await asyncio.gather(*(crossing.visit("a", delay_s=0.15) for _ in range(3)))

    crossing = Crossing(hosts(delay_s=0.01), stay_s=0.0)
    asyncio.run(go(crossing))
    assert min(crossing.pauses("a")) >= 0.15


def test_F23_who_waits_for_a_host_takes_no_turn_from_others() -> None:
    async def go(crossing: Crossing) -> float:
        started = monotonic()
        crowd = [asyncio.create_task(crossing.visit("slow", stay_s=0.3)) for _ in range(50)]
        await asyncio.sleep(0)
        await crossing.visit_all(f"quick{number}" for number in range(20))
        took = monotonic() - started
        for task in crowd:
            task.cancel()
        await asyncio.gather(*crowd, return_exceptions=True)
        return took

    assert asyncio.run(go(Crossing(hosts(concurrency=2, delay_s=0.2), stay_s=0.001))) < 0.3


def test_turns_are_given_back_by_those_who_leave_the_queue() -> None:
    async def go(crossing: Crossing) -> None:
        first = asyncio.create_task(crossing.visit("a", stay_s=0.2))
        await asyncio.sleep(0.01)
        waiting = [asyncio.create_task(crossing.visit("a")) for _ in range(5)]
        await asyncio.sleep(0.01)
        for task in (first, *waiting):
            task.cancel()
        await asyncio.gather(first, *waiting, return_exceptions=True)
        async with asyncio.timeout(1):
            await crossing.visit("a")
            await crossing.visit("b")

    crossing = Crossing(hosts(concurrency=1))
    asyncio.run(go(crossing))
    assert [name for name, _ in crossing.log] == ["a", "a", "b"]


def test_thousands_of_hosts_are_not_remembered_for_ever() -> None:
    async def go(served: Hosts) -> None:
        for number in range(3000):
            async with served.turn(f"host{number}"):
                pass

    served = hosts()
    asyncio.run(go(served))
    assert len(served._hosts) <= 1000


def test_a_budget_is_spent_inside_and_not_while_waiting() -> None:
    async def go() -> float:
        budget = Budget(0.2)
        async with budget.spending():
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.3)
        async with budget.spending():
            await asyncio.sleep(0.05)
        return budget.spent_s

    assert 0.1 <= asyncio.run(go()) < 0.2


def test_a_budget_that_is_used_up_stops_what_is_under_way() -> None:
    async def go() -> None:
        budget = Budget(0.1)
        budget.charge(0.5)
        async with budget.spending():
            await asyncio.sleep(5)

    with pytest.raises(TimeoutError):
        asyncio.run(go())


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("315360000", 315360000.0),
        ("9" * 5000, 1e9),
        ("Tue, 24 Nov 2026 12:01:00 GMT", 60.0),
        ("Tue, 24 Nov 2026 12:01:00 -0000", 60.0),
        ("Tue, 24 Nov 2026 21:01:00 +0900", 60.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 1e9),
        ("Tue, 24 Nov 2020 12:00:00 GMT", None),
        ("Tue, 24 Nov 99999999 12:00:00 GMT", None),
        ("Tue, 24 Nov 2026 25:61:00 GMT", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("٣", None),
        ("", None),
    ],
)
def test_F18_a_server_says_when_to_come_back(header: str, seconds: float | None) -> None:
    assert retry_after_s(header, NOW) == seconds


def test_F18_what_it_says_stays_within_the_calendar() -> None:
    asked_s = retry_after_s("9" * 400, NOW)
    assert asked_s is not None
    assert NOW + timedelta(seconds=asked_s) > NOW
