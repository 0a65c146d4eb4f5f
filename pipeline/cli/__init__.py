"""The command line: reads settings once, hands each command the parts it needs, and prints what came out.

Heavy libraries are imported inside the commands, so that `--help` answers at once. Exit codes: 0 done, 1 done with
errors, 2 wrong usage.
"""

from __future__ import annotations

import sys

from config.invalid import InvalidSettings
from pipeline.cli.app import app
from pipeline.errors import TreatywatchError


def main() -> None:
    """Run a command; errors that we know become one clear line instead of a traceback."""
    from pipeline.cli import analysis, coverage, digest, export, feeds, health, recipients, service, tokens, upkeep

    for commands in (service, health, analysis, coverage, export, feeds, digest, recipients, tokens, upkeep):
        commands.register(app)
    try:
        app(prog_name="treatywatch")
    except InvalidSettings as error:
        sys.exit(_complain(error, status=2))
    except TreatywatchError as error:
        sys.exit(_complain(error, status=1))
    except BrokenPipeError:  # the reader of our output has seen enough
        sys.stderr.close()


def _complain(error: Exception, *, status: int) -> int:
    for line in str(error).splitlines():
        print(f"treatywatch: {line}", file=sys.stderr)  # noqa: T201 - the one place where an error reaches the terminal
    return status
