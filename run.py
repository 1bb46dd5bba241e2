"""Start the emulator: ``python run.py --help``."""

import sys

from emulator.early_stop import end_on_signals

if __name__ == "__main__":
    end_on_signals()
    try:
        from emulator.cli import main  # only now: it takes a while
    except ModuleNotFoundError as missing:
        raise SystemExit(
            f"{missing.name} is not installed for {sys.executable}. Set up once, then start:\n"
            "  python3 -m venv .venv && .venv/bin/pip install -q .\n"
            "  .venv/bin/python run.py"
        ) from None
    main(program="run.py")
