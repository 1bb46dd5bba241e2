"""An import through a running server: upload, follow, read the report."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from time import sleep
from typing import Any

import httpx

from emulator.importer.plan import ImportPlan

#: Seconds between two looks at a job: at first, for small files, and at most.
_AT_FIRST_S, _AT_MOST_S = 0.05, 0.5
#: Seconds that the server may take for one answer; it reads a large upload first.
_PATIENCE_S = 600.0


class RemoteError(Exception):
    """The server cannot be reached, or refuses; the text is its own."""


class RemoteImport:
    """One import on the server at ``url`` (``http://host:port``, or ``…/w/NAME`` for a workspace)."""

    def __init__(self, url: str, admin_token: str | None = None) -> None:
        headers = {"Authorization": f"Bearer {admin_token}"} if admin_token else {}
        base = url.rstrip("/") + "/__admin"
        self._client = httpx.Client(base_url=base, headers=headers, timeout=_PATIENCE_S, trust_env=False)
        self._id = ""

    def __enter__(self) -> RemoteImport:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def start(self, path: Path, plan: ImportPlan) -> dict[str, Any]:
        """Upload the file: the job. Raises :class:`RemoteError` and :class:`OSError`."""
        with path.open("rb") as file:
            job: dict[str, Any] = self._json(
                "POST",
                "/import",
                files={"file": (path.name, file, "text/csv")},
                data={"plan": json.dumps(_as_json(plan))},
            )
        self._id = job["id"]
        return job

    def follow(self) -> Iterator[dict[str, Any]]:
        """The job again and again, until it is over. Raises :class:`RemoteError`."""
        pause = _AT_FIRST_S
        while True:
            job = self._json("GET", f"/imports/{self._id}")
            yield job
            if job["state"] != "running":
                return
            sleep(pause)
            pause = min(pause * 1.5, _AT_MOST_S)

    def cancel(self) -> None:
        """Have the server stop the import. Raises :class:`RemoteError`."""
        self._json("DELETE", f"/imports/{self._id}")

    def save_report(self, path: Path) -> None:
        """Save the report here. Raises :class:`RemoteError` and :class:`OSError`."""
        path.write_bytes(self._call("GET", f"/imports/{self._id}/report.csv").content)

    def _json(self, method: str, path: str, **sent: Any) -> Any:
        answer = self._call(method, path, **sent)
        try:
            return answer.json()
        except ValueError as error:
            raise RemoteError(f"{answer.request.url} does not answer as an emulator does") from error

    def _call(self, method: str, path: str, **sent: Any) -> httpx.Response:
        try:
            answer = self._client.request(method, path.lstrip("/"), **sent)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise RemoteError(f"{self._client.base_url}: {error}") from error
        if answer.is_error:
            raise RemoteError(_error_text(answer))
        return answer


def _as_json(plan: ImportPlan) -> dict[str, Any]:
    given = {name: value for name, value in vars(plan).items() if value is not None}
    return given | {"match": str(plan.match)}


def _error_text(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error_text"])
    except (ValueError, KeyError, TypeError):
        return f"{answer.request.url} answered {answer.status_code}"
