"""`python -m pipeline` is the `treatywatch` command."""

from pipeline.cli import main

main()
