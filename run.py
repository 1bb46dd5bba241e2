"""Start the emulator: ``python run.py --help``."""

from emulator.cli import main

if __name__ == "__main__":
    main(program="run.py")
