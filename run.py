"""Start the emulator: ``python run.py --help``."""

import sys

try:
    from emulator.cli import main
except ModuleNotFoundError as missing:
    raise SystemExit(
        f"{missing.name} is not installed for {sys.executable}. Set up once, then start:\n"
        "  python3 -m venv .venv && .venv/bin/pip install -q .\n"
        "  .venv/bin/python run.py"
    ) from None

if __name__ == "__main__":
    main(program="run.py")
