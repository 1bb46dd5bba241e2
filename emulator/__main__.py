"""``python -m emulator``: the same as ``run.py``."""

from emulator.cli import main

if __name__ == "__main__":
    main()
