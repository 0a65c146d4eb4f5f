"""`serve` as a process: where it listens, whom it lets in, what it says in its log."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[1]


def environment(home: Path, **more: str) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("TREATYWATCH_")}
    return ours | {"TREATYWATCH_STORAGE__DATA_DIR": str(home), "COLUMNS": "200", **more}


def treatywatch(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipeline", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment(home, **more), timeout=60
    )


@contextmanager
def served(home: Path, *arguments: str, **more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running web server and its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "pipeline", *arguments, "serve", "--no-scheduler", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment(home, **more), stderr=subprocess.PIPE, text=True)
    base = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{base}/health")
        yield process, base
    finally:
        process.kill()
        process.communicate()


def wait_for(url: str) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"{url} does not answer")


def status(url: str, headers: Mapping[str, str] | None = None) -> int:
    return httpx.get(url, headers=headers).status_code


@pytest.mark.parametrize(
    "arguments",
    [["serve", "--host", "0.0.0.0"], ["serve", "--host", "::"], ["serve", "--host", "watch.example.org"],
     ["--set", "web.require_token=true", "serve"]],
)  # fmt: skip
def test_it_does_not_listen_to_others_while_nobody_could_sign_in(tmp_path: Path, arguments: list[str]) -> None:
    done = treatywatch(tmp_path, *arguments, "--no-scheduler", "--port", "0")
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "make an access token first, `treatywatch tokens add NAME --role read`" in done.stderr


def test_a_revoked_or_expired_token_is_none(tmp_path: Path) -> None:
    added = treatywatch(tmp_path, "tokens", "add", "anna", "--role", "read")
    revoked = treatywatch(tmp_path, "tokens", "revoke", "anna")
    again = treatywatch(tmp_path, "tokens", "revoke", "anna")
    refused = treatywatch(tmp_path, "serve", "--host", "0.0.0.0", "--no-scheduler", "--port", "0")
    assert [added.returncode, revoked.returncode, again.returncode, refused.returncode] == [0, 0, 1, 1]


def test_a_token_is_printed_once_and_listed_without_its_secret(tmp_path: Path) -> None:
    added = treatywatch(tmp_path, "tokens", "add", "anna", "--role", "code", "--days", "30")
    as_json = json.loads(treatywatch(tmp_path, "tokens", "add", "bot", "--role", "read", "--json").stdout)
    listed = treatywatch(tmp_path, "tokens", "list")
    rows = json.loads(treatywatch(tmp_path, "tokens", "list", "--json").stdout)
    secret = added.stdout.strip()
    assert (secret.count("\n"), secret[:3], "anna" in added.stderr, secret in added.stderr) == (0, "tw_", True, False)
    assert [row["name"] + row["role"] + row["state"] for row in rows] == ["annacodelive", "botreadlive"]
    everything = listed.stdout + json.dumps(rows)
    assert [shown[16:] in everything for shown in (secret, as_json["token"])] == [False, False]
    assert "hash" not in everything


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["add", "x", "--role", "root"], "--role 'root' is unknown"), (["add", "x"], "Missing option '--role'"),
     (["add", "x", "--role", "read", "--days", "0"], "--days"), (["add", "", "--role", "read"], "needs a name")],
)  # fmt: skip
def test_wrong_usage_is_said(tmp_path: Path, arguments: list[str], said: str) -> None:
    done = treatywatch(tmp_path, "tokens", *arguments)
    assert (done.returncode > 0, "Traceback" in done.stderr, said in done.stderr) == (True, False, True)


def test_tokens_and_sessions_open_a_server_that_others_can_reach_and_never_reach_its_log(tmp_path: Path) -> None:
    token = treatywatch(tmp_path, "tokens", "add", "anna", "--role", "read").stdout.strip()
    wrong = token[:-6] + "WRONG_"
    with served(tmp_path, "--set", "log.level=debug", "--set", "web.host=0.0.0.0") as (process, base):
        with httpx.Client(base_url=base) as browser:
            page = browser.get("/sign-in")
            sent = {"token": token, "next": "/api/v1/me"}
            signed_in = browser.post("/sign-in", data=sent, headers={"Origin": base})
            me = browser.get(signed_in.headers["location"]).json()
            cookie = browser.cookies["treatywatch"]
            refused = browser.post("/sign-in", data={"token": wrong}, headers={"Origin": base}).status_code
        answers = [
            status(f"{base}/api/v1/me"),
            status(f"{base}/api/v1/me", {"Authorization": f"Bearer {token}"}),
            status(f"{base}/api/v1/me", {"Authorization": f"Bearer {wrong}"}),
            status(f"{base}/api/v1/me?token={token}"),
            status(f"{base}/health", {"Host": "evil.example"}),
        ]
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=30)
    assert (page.status_code, signed_in.status_code, me, refused) == (200, 303, {"name": "anna", "role": "read"}, 401)
    assert answers == [401, 200, 401, 401, 400]
    assert ("sign-in failed" in log, "Traceback" in log, process.returncode) == (True, False, 0)
    assert [secret in log for secret in (token[16:], wrong[16:], cookie)] == [False, False, False]
    assert stat.S_IMODE((tmp_path / "web.key").stat().st_mode) == 0o600


def raw(base: str, request: bytes) -> bytes:
    """The first line of what a server answers to bytes; `cut` where it hangs up before they are all sent."""
    host, port = base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        try:
            connection.sendall(request)
            return connection.recv(65536).split(b"\r\n")[0]
        except ConnectionError:
            return b"cut"


def test_F50_bytes_that_are_no_honest_request_are_refused_and_the_server_lives(tmp_path: Path) -> None:
    head = b"Host: 127.0.0.1\r\nConnection: close\r\n"
    requests = [
        b"GET /api/v1/articles?text=" + b"x" * 2**20 + b" HTTP/1.1\r\n" + head + b"\r\n",
        b"GET /api/v1/articles?text=" + b"x" * 10_000 + b" HTTP/1.1\r\n" + head + b"\r\n",
        b"GET /\0 HTTP/1.1\r\n" + head + b"\r\n",
        b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: evil.example\r\n" + head + b"\r\n",
        b"GET /health HTTP/1.1\r\n" + head + b"X-Long: " + b"x" * 100_000 + b"\r\n\r\n",
        b"GET /health HTTP/1.1\r\n" + head + b"X-Long: " + b"x" * 17_000 + b"\r\n\r\n",
        b"POST /sign-in HTTP/1.1\r\n" + head + b"Content-Length: 9999999\r\n\r\nx",
        b"POST /sign-in HTTP/1.1\r\n" + head + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /sign-in HTTP/1.1\r\n" + head + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ]
    with served(tmp_path) as (process, base):
        answers = [raw(base, request) for request in requests]
        alive = status(f"{base}/health")
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=30)
    assert [answer for answer in answers if not answer.startswith((b"HTTP/1.1 4", b"cut"))] == []
    assert answers.count(b"cut") <= 2  # the two that are longer than what is read of a request's head
    assert (alive, "Traceback" in log) == (200, False)


def test_a_trusted_proxy_says_who_asks_and_by_https(tmp_path: Path) -> None:
    token = treatywatch(tmp_path, "tokens", "add", "anna", "--role", "read").stdout.strip()
    forwarded = {"X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "https", "Origin": "https://127.0.0.1"}
    settings = ["--set", "web.trusted_proxies=['127.0.0.1/32']", "--set", "web.hosts=['127.0.0.1']"]
    with served(tmp_path, *settings) as (_, base):
        trusted = httpx.post(f"{base}/sign-in", data={"token": token}, headers=forwarded)
        unasked = status(f"{base}/api/v1/me", forwarded)
    with served(tmp_path) as (_, base):
        untrusted = httpx.post(f"{base}/sign-in", data={"token": token}, headers={**forwarded, "Origin": base})
    assert trusted.headers["set-cookie"].startswith("__Host-treatywatch=")
    assert ("Secure" in trusted.headers["set-cookie"], unasked) == (True, 401)
    assert untrusted.headers["set-cookie"].startswith("treatywatch=")


def test_the_secret_of_sessions_comes_from_a_file_and_is_never_shown(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cr3t" * 8)
    with served(tmp_path, TREATYWATCH_WEB__SECRET_FILE=str(tmp_path / "secret")):
        kept = (tmp_path / "web.key").exists()
    (tmp_path / "short").write_text("s3cr3t")
    refused = treatywatch(tmp_path, "serve", "--no-scheduler", TREATYWATCH_WEB__SECRET_FILE=str(tmp_path / "short"))
    assert (kept, refused.returncode, "s3cr3t" in refused.stderr) == (False, 2, False)
    assert "web.secret = ...: Value error, a secret has at least 32 characters" in refused.stderr


def test_every_line_of_the_log_is_json_where_that_is_wanted(tmp_path: Path) -> None:
    with served(tmp_path, "--set", "log.json=true", "--set", "log.level=debug") as (process, base):
        status(f"{base}/health", {"Host": "evil.example"})
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=30)
    events = [json.loads(line) for line in log.splitlines()]
    assert "stopping" in [event["event"] for event in events]
    assert all(event["level"] and event["timestamp"] for event in events)
    assert {event["logger"] for event in events if "logger" in event}  # libraries, too
