"""What setup.cfg cannot say: the default fixtures, at the top of the project, are part of the package."""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages(include=["emulator", "emulator.*", "push_emulator"]),
        "emulator.default_fixtures",
    ],
    package_dir={"emulator.default_fixtures": "fixtures/default"},
)
