"""``python -m tests.on_postgres [PYTEST'S ARGUMENTS]``: the tests, with every state in a real PostgreSQL.

Without arguments: all that are not about the files of a state, their log, or one process on them.
"""

from __future__ import annotations

import os
import subprocess
import sys

from tests.postgres import running
from tests.server import POSTGRES_URL, ROOT

#: Packages of tests that start servers or applications.
PACKAGES = (
    "cli",
    "endpoint",
    "end_to_end",
    "faults",
    "fixtures",
    "importer",
    "journal",
    "mobile",
    "push_emulator",
    "server",
    "web",
    "workspaces",
)
#: Tests that look at the files of a state, or at what such a state alone does.
ABOUT_FILES = (
    "cli/test_commands_export.py",
    "cli/test_cli_errors.py::test_second_process_on_one_state_directory",
    "end_to_end/test_changes_by_hand.py",
    "end_to_end/test_crash.py",
    "end_to_end/test_crowd.py",
    "end_to_end/test_end_to_end.py::test_A6_kill_9_in_the_middle_leaves_whole_requests",
    "end_to_end/test_end_to_end.py::test_state_file_opens_with_plain_tinydb_and_is_readable",
    # Chance depends on the number of the request in its workspace, so it does not begin anew.
    "faults/test_faults_over_tcp.py::test_chance_is_the_same_in_every_run_with_a_seed",
    "fixtures/test_watching.py::test_a_workspace_that_cannot_be_reset_keeps_no_other_from_it_and_is_named",
    "fixtures/test_watching.py::test_killed_while_workspaces_get_other_fixtures_each_is_as_before_or_as_those",
    "importer/test_full_disk.py",
    "importer/test_server.py::test_a_killed_server_keeps_whole_batches",
    # The seconds of an import are those of its work: the commits between its steps take as long again.
    "importer/test_server.py::test_an_import_takes_hardly_any_breaks_while_nobody_asks",
    "server/test_background.py::test_expiring_goes_on_where_one_workspace_cannot_be_deleted",
    "server/test_closing.py::test_stop_with_many_changed_workspaces_is_within_5_seconds_and_writes_all_down",
    "server/test_tls.py",
    "web/test_large_bodies.py",
    "web/test_plain_wsgi.py",
    "workspaces/test_deletion_of_several.py::test_those_that_are_there_are_deleted_with_their_files_and_named",
    "workspaces/test_deletion_of_several.py::test_where_the_disk_refuses_one_those_before_it_are_deleted",
    "workspaces/test_long_work.py::test_a_workspace_that_cannot_be_opened_says_so_to_everybody_who_waits",
    "workspaces/test_workspace_ends.py::test_a_successor_inherits_no_import_and_a_running_one_stops",
    "workspaces/test_workspace_making.py::test_500_looks_make_no_file_and_leave_room_for_a_workspace",
    "workspaces/test_workspaces.py",
)


def main(arguments: list[str]) -> int:
    """Run pytest; returns its exit status."""
    if not arguments:
        arguments = ["-q", "-n", str(os.cpu_count() or 1), *(f"tests/{name}" for name in PACKAGES)]
    arguments += [f"--deselect=tests/{one}" for one in ABOUT_FILES]
    with running(max_connections="200") as postgres:
        environment = {**os.environ, POSTGRES_URL: postgres.url("").rstrip("/")}
        return subprocess.call([sys.executable, "-m", "pytest", *arguments], cwd=ROOT, env=environment)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
