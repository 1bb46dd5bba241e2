"""``python -m emulator`` and ``push-emulator``: the same as ``run.py``."""

from __future__ import annotations

from emulator.early_stop import end_on_signals


def main() -> None:
    """Run the command line as this process."""
    end_on_signals()
    from emulator import cli  # noqa: PLC0415  # only now: it takes a while

    cli.main()


if __name__ == "__main__":
    main()
