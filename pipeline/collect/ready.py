"""What every worker needs, loaded once by the process that they are forked from: they start quickly and share it."""

from __future__ import annotations

from pipeline.collect import languages, workers

__all__ = ["workers"]

languages.identify("The trained identifier is read from its file when it is first asked.")
