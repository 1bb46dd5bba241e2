"""The Dockerfile and what belongs to it, as far as they can be judged without building the image."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path
from urllib.parse import urlsplit

import babel
import pytest
import yaml

from emulator import __version__
from emulator.web.console.language import LANGUAGES
from tests.project.installing import DOCKERFILE, IMAGE_SOURCES, run
from tests.server import ROOT

#: The instructions, each in one line, without comments.
INSTRUCTIONS = [
    re.sub(r"\s*\\\n\s*", " ", one)
    for one in re.findall(r"^[A-Z]+ (?:.*\\\n)*.*$", re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.M), re.M)
]


def _position(words: str) -> int:
    """Where the one instruction stands that has these words."""
    (found,) = (number for number, one in enumerate(INSTRUCTIONS) if words in one)
    return found


def test_dockerfile_lints() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    if not hadolint.exists():
        pytest.skip("hadolint is not installed for this platform")
    run(hadolint, ROOT / "Dockerfile", cwd=ROOT)


def test_image_installs_the_dependencies_that_setup_cfg_names(tmp_path: Path) -> None:
    found = re.search(r'python (-c ".*?") > requirements.txt', INSTRUCTIONS[_position("requirements.txt")])
    assert found is not None
    shutil.copy(ROOT / "setup.cfg", tmp_path)
    code = found[1].removeprefix('-c "').removesuffix('"')
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    extras = setup["options.extras_require"]
    wanted = (setup["options"]["install_requires"] + extras["postgres"] + extras["tls"]).split()
    assert run(sys.executable, "-c", code, cwd=tmp_path).split() == wanted
    assert len(wanted) > 15


def test_a_change_of_the_sources_builds_no_layer_of_dependencies_again() -> None:
    before = INSTRUCTIONS[: _position("install --no-cache-dir -r requirements.txt")]
    assert [one for one in before if one.startswith(("COPY", "ADD"))] == ["COPY setup.cfg ./"]
    assert _position("COPY --from=dependencies /app /app") < _position("COPY --from=program /program /app")
    assert not {".", "./"} & set(IMAGE_SOURCES)


def test_the_builder_gets_what_the_image_copies_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert sorted(rules[1:-1]) == sorted(f"!{name}" for name in IMAGE_SOURCES)
    assert rules[-1] == "**/__pycache__"
    assert [name for name in IMAGE_SOURCES if not (ROOT / name).exists()] == []


_PAGES = """
import sys, babel
from emulator.app import create_app
from emulator.settings import Settings
assert babel.__file__.startswith(sys.argv[1]), babel.__file__
client = create_app(Settings(durability="none")).test_client()
client.post("/push_subscribe", json={"resource_token": "none"})
for language in sys.argv[2:]:
    for page in ("/", "/__console/base", "/__console/faults", "/__console/overview", "/__console/rules"):
        answer = client.get(f"{page}?lang={language}")
        assert answer.status_code == 200, (language, page, answer.text)
        assert f'lang="{language}"' in answer.text
"""


@pytest.mark.skipif(sys.platform == "win32", reason="runs the image's own commands")
def test_babel_without_the_locales_that_the_image_leaves_out_serves_every_page(tmp_path: Path) -> None:
    trimming = re.search(r"find /app/lib (-path '\*/babel.*?-delete)", INSTRUCTIONS[_position("locale-data")])
    assert trimming is not None
    copied = tmp_path / "babel"
    shutil.copytree(Path(babel.__file__).parent, copied, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(f"find {tmp_path} {trimming[1]}", shell=True, check=True)
    left = {path.stem for path in (copied / "locale-data").glob("*.dat")}
    assert left == {"root", *LANGUAGES}
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    run(sys.executable, "-c", _PAGES, tmp_path, *LANGUAGES, cwd=tmp_path, PYTHONPATH=path)


def test_image_has_no_pip() -> None:
    assert "python -m venv --without-pip /app" in INSTRUCTIONS[_position("requirements.txt")]
    last_stage = INSTRUCTIONS[max(n for n, one in enumerate(INSTRUCTIONS) if one.startswith("FROM")) :]
    assert any("pip uninstall --yes" in one for one in last_stage)


def test_labels_say_what_the_package_says() -> None:
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\S+?)="(.*?)"', DOCKERFILE))
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    for label, option in {"title": "name", "description": "description", "licenses": "license"}.items():
        assert labels[label] == setup["metadata"][option]
    assert labels["version"] == __version__
    assert f"FROM {labels['base.name'].rpartition('/')[2]}" in INSTRUCTIONS


def test_any_user_may_write_the_state_and_none_is_root() -> None:
    made = _position("install --directory --owner 10001 --group 0 --mode 0777 /state")
    assert made < INSTRUCTIONS.index("USER 10001") < INSTRUCTIONS.index("VOLUME /state")


def test_health_is_asked_often_until_the_server_is_ready() -> None:
    options = dict(re.findall(r"--(\S+?)=([\d.]+)s", INSTRUCTIONS[_position("HEALTHCHECK")]))
    assert float(options["start-interval"]) <= 1
    assert float(options["start-period"]) >= 10


def test_compose_runs_the_image_with_a_root_that_is_read_only() -> None:
    service = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]["push-emulator"]
    assert service["read_only"] is True
    assert service["tmpfs"] == ["/tmp"]
    assert "state:/state" in service["volumes"]
    assert "command" not in service


def test_compose_has_two_emulators_with_one_state_behind_the_documented_balancer() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    shared = {name: one for name, one in services.items() if one.get("profiles") == ["shared"]}
    assert set(shared) == {"balancer", "emulator-1", "emulator-2", "postgres"}
    assert set(shared["balancer"]["depends_on"]) == {"emulator-1", "emulator-2"}
    settings, target = shared["balancer"]["volumes"][0].split(":")[:2]
    text = (ROOT / settings).read_text(encoding="utf-8")
    assert target == "/usr/local/etc/haproxy/haproxy.cfg"
    assert set(re.findall(r"(\S+):8080$", text, re.M)) == {"emulator-1", "emulator-2"}
    database = shared["postgres"]["environment"]
    options = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    for one in (shared["emulator-1"], shared["emulator-2"]):
        assert {name for name in one["environment"] if f"`{name}`" not in options} == {"PGPASSWORD"}
        url = urlsplit(one["environment"]["EMULATOR_STATE"])
        assert (url.scheme, url.username, url.path) == ("postgresql", database["POSTGRES_USER"], "/emulator")
        assert (url.hostname, url.password) == ("postgres", None)  # in a URL not every password is one
        assert one["environment"]["PGPASSWORD"] == database["POSTGRES_PASSWORD"]
        assert list(one["depends_on"]) == ["postgres"]
    assert database["POSTGRES_DB"] == "emulator"
