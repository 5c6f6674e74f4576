"""`python -m intakebot` is the same as `intakebot`."""

from __future__ import annotations

from intakebot.cli.main import main

if __name__ == "__main__":
    main(prog_name="intakebot")
