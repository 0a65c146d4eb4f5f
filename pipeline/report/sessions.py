"""Sessions of the dashboard: a signed cookie that names a token and ends by itself.

Nothing is stored: the cookie says who and until when. Whether the token still holds is read on every request.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import re
import secrets
from datetime import datetime, timedelta
from pathlib import Path

from fastapi import Request, Response

KEY_FILE = "web.key"
SHAPE = re.compile(r"([0-9a-f]{12})\.([0-9]{1,12})\.([0-9a-f]{64})", re.ASCII)


class Sessions:
    """Seals and reads session cookies with a secret key."""

    def __init__(self, key: bytes, life: timedelta) -> None:
        self._key, self._life = key, life

    def sealed(self, prefix: str, now: datetime) -> str:
        """A cookie for the holder of the token with this prefix, from now on."""
        end = int((now + self._life).timestamp())
        return f"{prefix}.{end}.{self._signature(prefix, end)}"

    def read(self, cookie: str, now: datetime) -> str | None:
        """The prefix that a cookie was sealed for; None for a forged or ended one."""
        shape = SHAPE.fullmatch(cookie)
        if shape is None:
            return None
        prefix, end = shape[1], int(shape[2])
        genuine = hmac.compare_digest(self._signature(prefix, end), shape[3])
        return prefix if genuine and now.timestamp() < end else None

    def begin(self, request: Request, response: Response, prefix: str, now: datetime) -> None:
        """Give the browser its session."""
        response.set_cookie(
            cookie_name(request.scope["scheme"]),
            self.sealed(prefix, now),
            max_age=int(self._life.total_seconds()),
            secure=request.scope["scheme"] == "https",
            httponly=True,
            samesite="strict",
        )

    @staticmethod
    def end(request: Request, response: Response) -> None:
        """Take it back."""
        secure = request.scope["scheme"] == "https"
        response.delete_cookie(cookie_name(request.scope["scheme"]), secure=secure, httponly=True, samesite="strict")

    def _signature(self, prefix: str, end: int) -> str:
        return hmac.new(self._key, f"session:{prefix}:{end}".encode(), hashlib.sha256).hexdigest()


def cookie_name(scheme: str) -> str:
    """A browser takes the __Host- name only from this very host, by https."""
    return "__Host-treatywatch" if scheme == "https" else "treatywatch"


def session_key(secret: str, directory: Path) -> bytes:
    """The key that signs sessions: the secret, or else a random one that is made once and kept in the directory."""
    return (secret or _kept(directory / KEY_FILE)).encode()


def _kept(file: Path) -> str:
    """Several processes may make it at once; they end with the same one."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_name(f"{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(secrets.token_hex(32))
            out.flush()
            os.fsync(out.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(unfinished, file)
        unfinished.unlink()
    return file.read_text(encoding="utf-8").strip()
