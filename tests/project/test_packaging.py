"""What others install: the wheel, the sdist, and the image's steps."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from configparser import ConfigParser
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.project.installing import DOCKERFILE, build, clean_environment, install, run
from tests.server import PAGE_TOKEN, PATIENCE_S, ROOT


class Package(NamedTuple):
    wheel: Path
    sdist: Path
    programs: Path


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    folder = tmp_path_factory.mktemp("package")
    made = build(folder)
    wheel, sdist = next(made.glob("*.whl")), next(made.glob("*.tar.gz"))
    return Package(wheel, sdist, install(wheel, folder))


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


def test_descriptions_are_fit_for_an_index(package: Package, elsewhere: Path) -> None:
    said = run(
        sys.executable, "-m", "twine", "check", "--strict", package.wheel, package.sdist, cwd=elsewhere
    )
    assert said.count("PASSED") == 2


def test_wheel_has_everything_that_the_program_reads(package: Package) -> None:
    with zipfile.ZipFile(package.wheel) as archive:
        inside = set(archive.namelist())
    kinds = {".py", ".json", ".html", ".css", ".js", ".svg", ".mo", ".po", ".typed", ".txt", ".xsl"}
    wanted = {
        path.relative_to(ROOT).as_posix()
        for package_name in ("emulator", "push_emulator")
        for path in (ROOT / package_name).rglob("*")
        if path.is_file() and path.suffix in kinds and "__pycache__" not in path.parts
    }
    assert wanted - inside == set()
    for name in ("databases", "resources", "profiles"):
        assert f"emulator/default_fixtures/{name}.json" in inside
    foreign = {name.split("/")[0] for name in inside} - {"emulator", "push_emulator"}
    assert len(foreign) == 1, "its metadata, and nothing else"


def test_sdist_can_be_built_again(package: Package, tmp_path: Path) -> None:
    with tarfile.open(package.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"setup.py", "setup.cfg", "fixtures/default/resources.json", "emulator/py.typed"} <= names


def test_program_is_called_by_its_name(package: Package, elsewhere: Path) -> None:
    program = package.programs / "push-emulator"
    assert "Usage: push-emulator " in run(program, "--help", cwd=elsewhere)
    assert "Usage: push-emulator serve" in run(program, "serve", "--help", cwd=elsewhere)
    assert run(program, "--version", cwd=elsewhere).startswith("push-emulator, version ")
    assert "Usage: run.py serve" in run(sys.executable, ROOT / "run.py", "serve", "--help", cwd=elsewhere)


def test_installed_program_serves_from_another_folder(package: Package, elsewhere: Path) -> None:
    with _running(package, elsewhere, "--port", "0", "--port-file", "port") as port:
        status, answer = _post(port, {"id": "59db33d269d426509e9c4bf9", "resource_token": PAGE_TOKEN})
        assert (status, answer["error"]) == (200, 0)
        assert _get(port, "/__admin/openapi.json")[0] == 200
        assert _get(port, "/__admin/docs/")[0] == 200
        assert _get(port, "/")[0] == 200
    assert (elsewhere / ".emulator" / "lock").exists()


def test_installed_program_checks_its_own_fixtures(package: Package, elsewhere: Path) -> None:
    code = "import emulator.settings as s; print(s.DEFAULT_FIXTURES)"
    fixtures = run(package.programs / "python", "-c", code, cwd=elsewhere).strip()
    assert Path(fixtures).name == "default_fixtures"
    assert "good: 5 databases" in run(package.programs / "push-emulator", "check", fixtures, cwd=elsewhere)


#: Modules that come with what is declared: with PyJWT, with Flask, and with Flask-Babel.
COME_ALONG = {"jwt", "werkzeug", "jinja2", "markupsafe", "babel"}
#: Named for the type checker only, and pytest, which loads its plugin itself.
NOT_LOADED = {"_typeshed", "pytest"}


def test_every_import_is_declared() -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    extras = setup["options.extras_require"]
    lines = (setup["options"]["install_requires"] + extras["postgres"] + extras["tls"]).split()
    declared = {re.split(r"[<>=!~\[]", line)[0].lower().replace("-", "_") for line in lines}
    known = declared | COME_ALONG | NOT_LOADED | set(sys.stdlib_module_names) | {"emulator", "push_emulator"}
    assert imported_by("emulator") | imported_by("push_emulator") <= known


def test_client_and_plugin_import_nothing_of_the_server() -> None:
    foreign = imported_by("push_emulator") - set(sys.stdlib_module_names)
    assert foreign == {"httpx", "msgspec", "pytest", "push_emulator"}


def imported_by(package: str) -> set[str]:
    """The top-level packages that a package of ours imports."""
    return {
        found[1].lower()
        for path in (ROOT / package).rglob("*.py")
        for found in re.finditer(r"^\s*(?:from|import) (\w+)", path.read_text(encoding="utf-8"), re.M)
    }


def test_image_starts_with_options_and_is_healthy_on_the_port_that_it_took(
    package: Package, elsewhere: Path
) -> None:
    environment = _image_environment(elsewhere)
    health = _command("HEALTHCHECK")
    program = str(package.programs / health[0])
    with _running(package, elsewhere, *_command("ENTRYPOINT")[1:], "--seed", "7", **environment) as port:
        assert '"status":"ok"' in run(program, *health[1:], cwd=elsewhere, **environment)
        status, _ = _get(port, "/__admin/requests")
        assert status == 401, "the container listens everywhere: the admin API wants the token"
    gone = subprocess.run([program, *health[1:]], env=clean_environment() | environment, check=False)
    assert gone.returncode == 1


def test_image_serves_where_nothing_but_shared_memory_can_be_written(
    package: Package, elsewhere: Path
) -> None:
    (elsewhere / "file").touch()
    nowhere = str(elsewhere / "file" / "state")  # no user can make this directory, not even root
    environment = _image_environment(elsewhere) | {"EMULATOR_STATE": nowhere, "EMULATOR_DURABILITY": "none"}
    with _running(package, elsewhere, **environment) as port:
        _, answer = _post(port, {"id": "somebody", "resource_token": PAGE_TOKEN})
        assert answer["error"] == 0
        assert _get(port, "/__admin/docs/")[0] == 200


def test_image_without_a_token_says_what_it_wants(package: Package, elsewhere: Path) -> None:
    environment = _image_environment(elsewhere)
    del environment["EMULATOR_ADMIN_TOKEN"]
    done = subprocess.run(
        [str(package.programs / "push-emulator")],
        env=clean_environment() | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "--admin-token" in done.stderr


def _image_environment(folder: Path) -> dict[str, str]:
    """The Dockerfile's ENV; with a free port, a token, and what it writes here."""
    lines = re.search(r"ENV PATH=.*?\n(?=\w)", DOCKERFILE, re.S)
    assert lines is not None
    pairs = dict(re.findall(r"(EMULATOR_\w+)=(\S+)", lines[0]))
    assert pairs["EMULATOR_HOST"] == "0.0.0.0"
    assert pairs["EMULATOR_STATE"] == "/state"
    written = {"EMULATOR_STATE": str(folder / "state"), "EMULATOR_PORT_FILE": str(folder / "port")}
    return {**pairs, **written, "EMULATOR_PORT": "0", "EMULATOR_ADMIN_TOKEN": "t0ken"}


def _command(instruction: str) -> list[str]:
    """The words of ENTRYPOINT, or those that HEALTHCHECK runs."""
    found = re.search(rf"^{instruction} [^\[]*(\[.*\])$", DOCKERFILE, re.M)
    assert found is not None
    words: list[str] = json.loads(found[1])
    return words


@contextmanager
def _running(package: Package, folder: Path, *arguments: str, **environment: str) -> Iterator[int]:
    """The installed program while a test uses it; its port."""
    port_file = Path(environment.get("EMULATOR_PORT_FILE", folder / "port"))
    with subprocess.Popen(
        [str(package.programs / "push-emulator"), *arguments],
        cwd=folder,
        env=clean_environment() | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert "is ready at" in process.stdout.readline()
            yield int(port_file.read_text())
        finally:
            process.terminate()
            assert process.wait(PATIENCE_S) == 0


def _get(port: int, path: str) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _post(port: int, parameters: dict[str, str]) -> tuple[int, dict[str, object]]:
    subscriptions = [{"provider": "android-firebase", "subscription_id": "my-token"}]
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request(
            "POST", "/push_subscribe", json.dumps({**parameters, "subscriptions": subscriptions})
        )
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()
