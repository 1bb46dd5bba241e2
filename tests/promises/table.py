"""Promises and their tests, by file: what fails first if the sentence is not true.

A key is a part of the sentence as its file has it, in one line, code in back quotes left out as `…`.
After changing a sentence change its key; before adding a promise write its test.
"""

from __future__ import annotations

from typing import Final

Table = dict[str, tuple[str, ...]]

KILL = "tests/store/test_last_moments.py::test_a_kill_at_any_moment_loses_nothing_and_halves_nothing"
POWER = "tests/store/test_last_moments.py::test_a_loss_of_power_at_any_moment_loses_nothing_in_fsync_mode"
FULL_DISK = "tests/store/test_disk_trouble.py::test_a_full_disk_refuses_is_told_and_is_recovered_from"
FSYNC_FAILS = "tests/store/test_fsync.py::test_requests_whose_fsync_fails_are_answered_500_and_leave_no_trace"
WHOLE_FILE = (
    "tests/store/test_files.py::test_a_file_is_replaced_whole_or_not_at_all_wherever_the_disk_is_full"
)
CHANGED_BYTE = "tests/store/test_damage.py::test_every_changed_byte_is_refused"
TORN_TAIL = "tests/store/test_damage.py::test_a_torn_tail_of_any_kind_is_cut_off_and_counted"
RESTORE = (
    "tests/web/admin/test_snapshot.py::test_a_snapshot_with_anything_wrong_changes_nothing",
    "tests/web/admin/test_snapshot.py::test_a_snapshot_that_breaks_off_changes_nothing",
    "tests/store/test_storage.py::test_replace_is_whole_or_not_at_all_wherever_the_disk_fails",
)
SIDE_BY_SIDE = (
    "tests/workspaces/test_isolation.py::test_16_workspaces_side_by_side_never_see_each_other",
    "tests/workspaces/test_workspaces.py::test_each_workspace_has_its_own_of_everything",
)
REFUSED_CHANGES_NOTHING = "tests/fuzz/test_endpoint.py::test_A3_damaged_requests_change_nothing_when_refused"
BY_HAND_OS = "tests/end_to_end/test_changes_by_hand.py::test_what_a_full_disk_refuses_is_not_in_force"
BY_HAND_FSYNC = (
    "tests/end_to_end/test_changes_by_hand.py::test_what_an_fsync_refuses_is_taken_back_in_memory_too"
)
RESET_REFUSED = (
    "tests/workspaces/test_workspaces.py::"
    "test_a_reset_that_the_disk_refuses_leaves_ids_and_everything_else_alone"
)
SDK, SDK_CALLS = "tests/mobile/test_transport.py::", "tests/mobile/test_calls.py::"
SDK_VECTORS = "tests/mobile/test_vectors.py::test_the_vector_is_answered_as_the_platform_answers"
SDK_BAD_BODY = SDK + "test_R6_no_body_fails_the_server_or_is_half_applied"
REFUSED_BY_THE_DISK = (BY_HAND_OS, BY_HAND_FSYNC, FULL_DISK, FSYNC_FAILS)
UNDONE_IN_STORAGE = (
    "tests/store/test_storage.py::test_a_batch_that_the_disk_refuses_is_undone_whole",
    "tests/store/test_indexed_table.py::"
    "test_a_document_that_an_index_cannot_take_is_refused_and_nothing_changes",
)
REPLACED_WHOLE = (
    "tests/store/test_storage.py::test_replace_is_whole_or_not_at_all_wherever_the_disk_fails",
    "tests/store/test_every_failure.py::test_whatever_step_of_a_reset_fails_the_state_opens_with_what_counts",
)
REMOVED_WHOLE = (
    "tests/store/test_every_failure.py::"
    "test_whatever_step_of_a_removal_fails_the_name_opens_and_can_be_removed"
)
FOREIGN_FILE = "tests/store/test_damage.py::test_a_foreign_file_alone_is_left_alone"
NOTHING_STORED = "tests/cli/test_commands_export.py::test_reset_of_a_state_that_nobody_has_changed"
ONLY_READ = "tests/cli/test_commands_export.py::test_an_export_of_a_state_writes_nothing_whatever_a_kill_left"
NO_MORE_FILES = (
    "tests/store/test_open_files.py::test_what_cannot_be_opened_is_refused_as_unavailable_and_health_says_so"
)
NOTHING_OPEN = "tests/store/test_open_files.py::test_an_application_that_cannot_be_made_leaves_nothing_open"
NEVER_MATCHES = (
    "tests/web/admin/test_criteria.py::test_value_that_no_request_can_have_is_refused",
    "tests/web/admin/test_criteria.py::test_filter_that_no_request_can_meet_is_refused",
)
RECIPES = "tests/console/test_faults_page.py::test_every_recipe_gives_what_it_says_armed_and_by_token"
ENVELOPE = (
    "tests/fuzz/test_endpoint.py::test_A4_damaged_bytes_are_answered_in_the_envelope",
    "tests/web/test_methods_and_paths.py::test_A4_unknown_paths",
    "tests/web/test_push.py::test_A4_a_failure_of_ours_answers_the_envelope",
)
FAULT_CHANGES = "tests/faults/test_faults_over_tcp.py::test_armed_fault_is_seen_and_changes_what_it_should"
FAULT_NEVER_MATCHES = "tests/web/admin/test_faults.py::test_fault_that_could_never_match_is_refused"
ITEM_ERROR = "tests/web/admin/test_faults.py::test_item_error_changes_nothing_and_answers_as_the_rules_do"
BARE_ITEM = "tests/rules/test_applying.py::test_S7_nothing_changed_answers_one_bare_item"
M5_MATCH = "tests/faults/test_armed.py::test_M5_field_value_of_a_match_compares_as_field_values_do"
WAITS_ALONE = "tests/web/admin/test_requests.py::test_verify_that_waits_in_vain_delays_nobody"
DRY_RUN = "tests/importer/test_http.py::test_a_dry_run_changes_nothing"
DRY_RUN_LEAVES_ALONE = "tests/importer/test_dry_run.py::test_a_dry_run_leaves_ids_counts_and_files_alone"
NOT_STARTED = (
    "tests/importer/test_jobs.py::test_a_refused_file_leaves_nothing_behind",
    "tests/importer/test_sources.py::test_a_refused_file_changes_nothing",
    "tests/importer/test_checking.py::test_all_problems_are_told_at_once",
)
NO_QUOTES = "tests/importer/test_reading.py::test_quotes_can_be_said_to_mean_nothing"
CRASHES = (
    "tests/end_to_end/test_crash.py::test_A6_killed_at_any_moment",
    "tests/end_to_end/test_crash.py::test_A6_killed_during_a_snapshot",
    "tests/end_to_end/test_crash.py::test_A6_killed_during_a_journal_rotation",
)
COMMANDS = "tests/cli/test_commands_export.py::"
IMPORT = "tests/importer/test_command.py::"
CONSENT = "tests/compare/test_live.py::test_a_dry_run_and_a_no_send_nothing"
SECURITY = "tests/end_to_end/test_security.py::"

PROMISES: Final[dict[str, Table]] = {
    "README.md": {
        "It stores its state in `…` and loads it at the next start": (KILL,),
    },
    # durability, all or nothing, bounds
    "docs/architecture.md": {
        "Such a change is stored whole or not at all": (
            "tests/store/test_long_work.py::"
            "test_a_long_change_that_the_disk_refuses_is_undone_in_memory_and_on_disk",
            "tests/store/test_long_work.py::test_a_state_that_is_closed_amid_a_long_change_is_as_before",
        ),
    },
    "docs/operations.md": {
        "the death of the process, including `…`": (
            KILL,
            "tests/workspaces/test_workspaces.py::test_each_workspace_is_a_file_and_survives_kill_9",
        ),
        "a power loss": (POWER,),
        "after a crash either all of it is stored or nothing": (
            KILL,
            *CRASHES,
            "tests/rules/test_answer.py::test_A6_all_databases_changes_are_one_transaction",
        ),
        "A snapshot appears complete or not at all": (WHOLE_FILE,),
        "reads everything": (
            "tests/store/test_tinydb_contract.py::test_the_file_is_a_plain_tinydb_file_after_close",
        ),
        "A torn last line": (TORN_TAIL,),
        "stops the start, and nothing is touched": (
            CHANGED_BYTE,
            "tests/store/test_damage.py::test_a_foreign_file_is_refused",
        ),
        "Where the disk refuses, the answer is 500": (
            *REFUSED_BY_THE_DISK,
            "tests/importer/test_full_disk.py::"
            "test_an_import_ends_says_why_and_leaves_no_upload_when_the_disk_is_full",
            "tests/importer/test_steps.py::test_A6_a_batch_that_is_not_stored_is_not_counted",
        ),
        "a second one says who holds it and stops": (
            "tests/cli/test_cli_errors.py::test_second_process_on_one_state_directory",
            "tests/store/test_one_holder.py::"
            "test_a_second_server_finds_the_first_whatever_was_removed_in_the_directory",
        ),
        "changes nothing until they are back or it is started again": (
            "tests/store/test_disk_trouble.py::test_a_directory_that_is_moved_away_and_back",
            "tests/store/test_disk_trouble.py::"
            "test_after_its_directory_was_deleted_a_server_takes_and_writes_nothing",
            "tests/store/test_disk_trouble.py::"
            "test_after_its_log_was_deleted_a_server_takes_nothing_until_it_starts_again",
            "tests/store/test_one_holder.py::"
            "test_where_the_directory_was_replaced_the_first_writes_and_deletes_nothing_of_the_second",
        ),
        "whose snapshot is not done by then keeps its log": (
            "tests/server/test_closing.py::test_state_that_is_not_written_down_in_time_is_whole_at_the_next_start",
            "tests/server/test_closing.py::test_snapshot_that_takes_too_long_at_the_end_is_left_and_nothing_is_lost",
        ),
        "1 MiB, 100 subscriptions": (
            "tests/web/test_bad_input.py::test_A3_body_of_more_than_1_MiB",
            "tests/web/test_bad_input.py::test_A3_chunked_body_of_more_than_1_MiB",
            "tests/web/test_bad_input.py::test_A3_101_subscriptions",
        ),
        "for each workspace, in memory": (
            "tests/journal/test_journal.py::test_bound_by_count_drops_the_oldest_and_counts_them",
            "tests/journal/test_journal.py::test_journal_under_60_000_requests_keeps_memory_under_its_bound",
        ),
        "500 open at a time": (
            "tests/workspaces/test_workspaces.py::test_there_are_no_more_workspaces_than_allowed",
        ),
        "one that a newer version wrote is refused with a text that says so": (
            "tests/store/test_damage.py::test_a_newer_snapshot_format_is_refused_with_a_clear_text",
            "tests/store/test_damage.py::test_a_newer_log_format_is_refused_with_a_clear_text",
        ),
        "SIGTERM and Ctrl-C stop within 5 seconds": (
            "tests/cli/test_cli.py::test_SIGTERM_stops_with_status_0_within_5_seconds",
            SECURITY + "test_slow_clients_do_not_keep_the_server_from_stopping",
        ),
    },
    "docs/configuration.md": {"What survives: os, a killed process": (KILL, POWER)},
    # isolation
    "docs/ci.md": {
        "without seeing each other": SIDE_BY_SIDE,
        "records, journal, faults, settings, clock, ids and imports are its own": (
            *SIDE_BY_SIDE,
            "tests/importer/test_jobs.py::test_a_job_is_its_workspaces_own",
        ),
        "A criterion that could never match is refused with 400": NEVER_MATCHES,
        "A request is in the journal before its answer leaves": (
            "tests/web/admin/test_requests.py::test_assertion_right_after_a_response_needs_no_sleep",
        ),
        "the oldest entries are evicted and are counted": (
            "tests/journal/test_journal.py::test_bound_by_bytes_drops_the_oldest_and_counts_them",
        ),
        "has its own options and no others": (
            "tests/push_emulator/test_client.py::test_local_server_takes_nothing_from_variables_of_another_server",
            "tests/push_emulator/test_pytest_plugin.py::"
            "test_server_that_the_plugin_starts_takes_nothing_from_variables_of_another",
        ),
    },
    "docs/admin-api.head.md": {"nobody else waits": (WAITS_ALONE,)},
    "docs/admin-api.md": {
        "nobody else waits": (WAITS_ALONE,),
        "or nothing of it": RESTORE,
        "`…` changes nothing": (DRY_RUN,),
    },
    "docs/client.md": {
        "or another: all or nothing": RESTORE,
        "for a fault that could never act": (
            FAULT_NEVER_MATCHES,
            "tests/web/admin/test_faults.py::test_bad_fault_is_refused",
        ),
    },
    "docs/console.md": {
        "loads nothing from other sites. Every page also works without JavaScript": (
            "tests/console/test_access.py::test_no_page_lets_anything_run_that_is_written_into_it",
            "tests/console/test_any_server.py::test_every_page_is_served",
            "tests/console/test_any_server.py::test_changes_and_replays_are_made",
        ),
        "it changes nothing and reports what would happen": (
            "tests/importer/test_dry_run.py::test_a_dry_run_tells_what_the_real_one_does",
            "tests/importer/test_dry_run.py::test_a_dry_run_leaves_ids_counts_and_files_alone",
        ),
        "the console's own files and nothing else": (
            "tests/console/test_access.py::test_no_page_lets_anything_run_that_is_written_into_it",
        ),
        "a copy of the cookie is worth nothing then": (
            "tests/console/test_access.py::test_a_cookie_is_worth_nothing_after_the_sign_out",
            "tests/console/test_access.py::test_a_live_page_hears_nothing_after_the_sign_out",
        ),
    },
    "docs/import.md": {
        "where nobody else asks it takes about as long": (
            "tests/importer/test_server.py::test_an_import_takes_hardly_any_breaks_while_nobody_asks",
            "tests/loop/test_steps.py::test_a_break_is_longer_than_the_step_where_others_ask",
        ),
        "A bad row is refused with its line number; the other rows go on": (
            "tests/importer/test_rules.py::test_a_bad_row_is_refused_with_its_line_and_reason",
        ),
    },
    "docs/qa.md": {
        "Nothing has to be prepared": (
            "tests/console/test_faults_page.py::test_every_request_of_the_catalogue_meets_its_error_and_rule",
        ),
        "A delayed answer delays nobody else": (
            "tests/faults/test_faults_over_tcp.py::test_delayed_answer_delays_nobody_else",
        ),
        "`…`: nothing changes": (FAULT_CHANGES,),
        "what a retry must survive": (
            "tests/faults/test_faults_over_tcp.py::test_fault_after_the_change_is_survived_by_a_retry",
        ),
        "A fault that could never match is refused": (FAULT_NEVER_MATCHES,),
        "A token that means nothing is answered 400": (
            "tests/faults/test_faults_over_tcp.py::test_token_that_means_nothing_is_refused_with_what_there_is",
        ),
        "so the first second can see twice the rate": (
            "tests/faults/test_armed.py::"
            "test_full_rate_limit_lets_twice_the_rate_through_in_its_first_second_then_the_rate",
        ),
        "compares as values do in rule M5": (M5_MATCH,),
        "Nothing changes.": ("tests/project/test_qa_page.py::test_page_is_current",),
        "The platform failed; nothing has changed": ("tests/project/test_qa_page.py::test_page_is_current",),
        "The gateway gave up waiting; nothing has changed": (
            "tests/project/test_qa_page.py::test_page_is_current",
        ),
    },
    "docs/rules.md": {
        "with or without a trailing slash, never a redirect": (
            SDK + "test_K1_slashes_and_workspaces_before_the_path_mean_nothing",
        ),
        "an unknown one changes nothing": (SDK_CALLS + "test_K20_an_unknown_old_token_changes_nothing",),
        "always JSON, never empty": (SDK_VECTORS,),
        "errors are never 200": (SDK_CALLS + "test_R3_an_error_is_never_200",),
        "400 with the path and what is expected; nothing changes": (SDK_BAD_BODY,),
        "in which nothing was added, changed or refused": (BARE_ITEM,),
        "answers the JSON envelope, never an HTML page": ENVELOPE,
    },
    "docs/security.md": {
        "Nothing leaves that machine": (SECURITY + "test_nothing_leaves_the_machine",),
        "the server does not start": (
            "tests/cli/test_cli_errors.py::"
            "test_admin_token_that_is_blank_or_that_no_header_carries_stops_the_start",
        ),
        "refused at the start, and nothing is written": (
            SECURITY + "test_link_in_the_state_directory_is_refused_and_not_followed",
            SECURITY + "test_link_to_a_directory_of_certificates_is_refused",
        ),
        "always the envelope, nothing changed by a refusal": (*ENVELOPE, REFUSED_CHANGES_NOTHING),
    },
    "emulator/app.py": {"nothing is left open then": (NOTHING_OPEN,)},
    "push_emulator/answers.py": {"A request-level error: nothing has changed": (REFUSED_CHANGES_NOTHING,)},
    "push_emulator/emulator_client.py": {"or another: all or nothing": RESTORE},
    "push_emulator/world.py": {
        "for a fault that could never act": (
            FAULT_NEVER_MATCHES,
            "tests/web/admin/test_faults.py::test_bad_fault_is_refused",
        ),
    },
    "emulator/cli/compare.py": {
        "Nothing is sent anywhere": (
            "tests/compare/test_command.py::test_recorded_traffic_is_compared_without_any_connection",
        ),
        "nothing is sent until you agree": (CONSENT,),
    },
    "docs/scale.md": {
        "the same workspace is always on the same emulator": (
            "tests/web/test_workspace_routing.py::"
            "test_a_workspace_is_on_one_emulator_by_whatever_name_it_is_called",
        ),
        "never sent to another emulator": (
            "tests/web/test_workspace_routing.py::"
            "test_while_an_emulator_is_away_its_workspaces_are_nowhere_else",
        ),
    },
    "docs/compare.md": {
        "You agree to it, or nothing is sent": (CONSENT,),
        "Nothing is learned from such an answer": (
            "tests/compare/test_broken_platform.py::"
            "test_nothing_is_learned_from_a_broken_answer_and_all_is_taken_back",
        ),
        "it sends no more requests": (
            "tests/compare/test_broken_platform.py::"
            "test_a_429_that_asks_for_a_long_wait_is_obeyed_and_the_rest_is_named",
        ),
    },
    "emulator/cli/probing.py": {
        "dry run: nothing was sent": (CONSENT,),
        "nothing was sent: agree to the plan": (CONSENT,),
    },
    "emulator/compare/live.py": {
        "nothing was unsubscribed": (
            "tests/compare/test_broken_platform.py::"
            "test_a_429_that_asks_for_a_long_wait_is_obeyed_and_the_rest_is_named",
        ),
    },
    "emulator/cli/export.py": {"The file appears complete or not at all": (WHOLE_FILE,)},
    "emulator/cli/import_.py": {
        "dry run: nothing was changed": (IMPORT + "test_a_dry_run_says_so_and_changes_nothing",),
        "nothing was imported": (IMPORT + "test_a_plan_that_cannot_be_carried_out_lists_its_problems",),
    },
    "emulator/cli/doctor.py": {"nothing is stored yet": (NOTHING_STORED,)},
    "emulator/cli/target.py": {
        "nothing is stored yet": (NOTHING_STORED,),
        "which stays locked meanwhile": (IMPORT + "test_a_state_directory_in_use_points_to_the_server",),
        "nothing is written there": (ONLY_READ,),
    },
    "emulator/cli/reset.py": {
        "nothing is stored yet, there is nothing to reset": (NOTHING_STORED,),
        "cannot be used; nothing was changed": (COMMANDS + "test_reset_with_bad_fixtures_changes_nothing",),
    },
    "emulator/cli/serve.py": {
        "What survives: os, a killed process": (KILL, POWER),
        "cannot be used; nothing was started": (
            "tests/cli/test_cli.py::test_serve_lists_all_problems_of_the_fixtures_and_starts_nothing",
        ),
    },
    "emulator/server/connections.py": {
        "nobody else can listen there too": (
            "tests/server/test_serving.py::test_listening_twice_in_one_process_fails_too",
            "tests/cli/test_cli_errors.py::test_port_of_another_emulator",
        ),
    },
    "emulator/server/delivery.py": {
        "so nobody else waits": (
            "tests/server/test_delivery.py::test_fifty_delayed_answers_delay_nobody_else",
        ),
    },
    "emulator/emulator.py": {"then nothing is left open": (NOTHING_OPEN,)},
    "emulator/mobile/answers.py": {"never 200": (SDK_CALLS + "test_R3_an_error_is_never_200",)},
    "emulator/mobile/carrying_out.py": {"then nothing has changed": (SDK_BAD_BODY, *REFUSED_BY_THE_DISK)},
    "emulator/rules/mobile/calls.py": {
        "then nothing has changed": (
            SDK_CALLS + "test_R4_an_unknown_profile_field_changes_nothing",
            SDK_CALLS + "test_R5_values_and_categories_that_are_not_right_change_nothing",
        ),
    },
    "emulator/faults/recipes.json": {"nothing has changed": (FAULT_CHANGES, RECIPES)},
    "emulator/faults/model.py": {
        "Every item of the answer fails in this way, and nothing changes": (
            "tests/web/admin/test_faults.py::test_item_error_changes_nothing_and_answers_as_the_rules_do",
        ),
    },
    "emulator/web/console/templates/console/own_fault.html": {
        "changes nothing": (
            "tests/faults/test_faults_over_tcp.py::test_spoiled_answer_before_the_change_changes_nothing",
        ),
    },
    "emulator/web/console/templates/console/overview.html": {
        "gets the first answer and changes nothing": (
            SDK + "test_K3_a_repeated_request_id_gets_the_first_answer",
        ),
    },
    "emulator/faults/tokens.py": {
        "an item error changes nothing": (ITEM_ERROR,),
    },
    "emulator/importer/checking.py": {"nothing has been written": NOT_STARTED},
    "emulator/importer/rows.py": {"means that nothing is quoted": (NO_QUOTES,)},
    "emulator/importer/jobs.py": {
        "Never raises": (
            "tests/importer/test_jobs.py::"
            "test_a_mistake_of_ours_in_a_step_and_an_upload_that_stays_end_the_job_and_are_told",
            "tests/importer/test_full_disk.py::"
            "test_an_import_ends_says_why_and_leaves_no_upload_when_the_disk_is_full",
            "tests/importer/test_many_holders.py::test_such_a_row_is_tried_again_where_there_is_no_thread",
        ),
    },
    "emulator/importer/plan.py": {
        "means that nothing is quoted": (NO_QUOTES,),
        "With ``dry_run`` nothing changes": (DRY_RUN, DRY_RUN_LEAVES_ALONE),
    },
    "emulator/importer/problem.py": {"nothing was written": NOT_STARTED},
    "emulator/journal/search.py": {
        "so that a long one stops nobody": (
            "tests/journal/test_search.py::test_search_of_a_full_journal_lets_others_work",
        ),
        "an upper bound alone is never met for good": (
            "tests/journal/test_verify.py::test_upper_bound_alone_is_watched_to_the_end",
        ),
    },
    "emulator/rules/__init__.py": {
        "no HTTP, no storage, no clock of its own": (
            "tests/rules/test_catalogue.py::test_the_rules_know_no_HTTP_no_storage_and_no_clock",
        ),
    },
    "emulator/rules/applying.py": {
        "nothing else is touched": ("tests/rules/test_answer.py::test_A6_deciding_changes_nothing_itself",),
    },
    "emulator/rules/catalogue.py": {
        "with or without a trailing slash, never a redirect": (
            SDK + "test_K1_slashes_and_workspaces_before_the_path_mean_nothing",
        ),
        "an unknown one changes nothing": (SDK_CALLS + "test_K20_an_unknown_old_token_changes_nothing",),
        "always JSON, never empty": (SDK_VECTORS,),
        "errors are never 200": (SDK_CALLS + "test_R3_an_error_is_never_200",),
        "400 with the path and what is expected; nothing changes": (SDK_BAD_BODY,),
        "in which nothing was added, changed or refused": (BARE_ITEM,),
        "answers the JSON envelope, never an HTML page": ENVELOPE,
    },
    "emulator/rules/decide.py": {
        "Changes nothing itself": ("tests/rules/test_answer.py::test_A6_deciding_changes_nothing_itself",),
    },
    "emulator/rules/fields.py": {
        "true never is 1": ("tests/rules/test_fields.py::test_M5_value_that_cannot_be_read_is_refused",),
        "and never 1": (M5_MATCH,),
    },
    "emulator/rules/keys.py": {
        "or more where another key has them": (
            "tests/rules/test_answer.py::test_A5_a_taken_hash_id_gets_longer",
            "tests/rules/test_answer.py::test_A5_collision_within_one_request",
        ),
    },
    "emulator/rules/errors.py": {
        "A request-level error (A3): nothing changes in any database": (REFUSED_CHANGES_NOTHING,),
    },
    "emulator/store/doctor.py": {
        "nothing is lost: a server starts with it as it is": (
            "tests/store/test_doctor.py::test_what_the_rules_could_not_have_made_is_found",
        ),
    },
    "emulator/store/errors.py": {
        "Nothing was touched": (CHANGED_BYTE, FOREIGN_FILE),
        "Nothing was changed": (CHANGED_BYTE,),
    },
    "emulator/store/files.py": {
        "Files that appear whole or not at all": (WHOLE_FILE,),
        "as before and nothing is left beside it": (
            WHOLE_FILE,
            "tests/store/test_files.py::test_what_raises_while_the_chunks_are_made_leaves_the_file_alone",
        ),
    },
    "emulator/store/generations.py": {
        "it may have seen changes that are undone": (
            "tests/store/test_storage.py::test_a_snapshot_never_counts_while_it_may_have_seen_half_a_batch",
            "tests/store/test_fsync.py::test_a_snapshot_that_saw_what_was_taken_back_never_counts",
        ),
    },
    "emulator/store/indexes.py": {
        "always in ascending order": (
            "tests/store/test_growth.py::"
            "test_index_says_what_its_documents_make_through_adds_changes_and_removals",
        ),
    },
    "emulator/store/interface.py": {
        "then nothing has changed": (*REFUSED_BY_THE_DISK, RESET_REFUSED),
        "in place of everything, whole or not at all": (*REPLACED_WHOLE, RESET_REFUSED),
    },
    "emulator/store/log.py": {
        "it appears whole or not at all": (
            WHOLE_FILE,
            "tests/store/test_storage.py::test_a_rotation_that_fails_leaves_no_log_behind",
        ),
    },
    "emulator/store/recovery.py": {"Changes nothing there": (ONLY_READ,)},
    "emulator/store/removal.py": {
        "the removal survives a loss of power": (
            "tests/end_to_end/test_changes_by_hand.py::test_the_deletion_of_a_workspace_waits_for_the_disk",
        ),
        "then nothing was changed": (REMOVED_WHOLE,),
    },
    "emulator/store/storage.py": {
        "survives the death of the process": (KILL, POWER),
        "nothing has ever been stored": (
            "tests/store/test_damage.py::test_a_state_is_fresh_until_something_was_stored",
        ),
        "Raises :class:`Unavailable`; then nothing has changed": (
            "tests/store/test_every_failure.py::"
            "test_whatever_step_of_a_return_to_what_is_shared_fails_the_state_opens_with_what_counts",
            *UNDONE_IN_STORAGE,
        ),
        "Put another state in place of this one, whole or not at all": REPLACED_WHOLE,
    },
    "emulator/store/table.py": {
        "an id is never given out twice": (
            "tests/store/test_indexed_table.py::test_an_id_is_never_given_twice_not_even_after_reopening",
        ),
    },
    "emulator/store/tinydb_store.py": {
        "then nothing has changed": (*REFUSED_BY_THE_DISK, RESET_REFUSED),
        "Changes nothing there": (ONLY_READ,),
        "was never filled": (ONLY_READ,),
    },
    "emulator/workspaces/errors.py": {"nothing was changed: %(reason)s": (BY_HAND_OS, BY_HAND_FSYNC)},
    "emulator/server/tls.py": {
        "A new file, never through a link": (
            "tests/server/test_tls.py::test_link_in_place_of_a_certificate_is_replaced_and_not_followed",
        ),
    },
    "emulator/fixtures/watching.py": {
        "which is not used": (
            "tests/fixtures/test_watching.py::"
            "test_a_server_resets_to_changed_fixtures_and_keeps_its_state_for_bad_ones",
        ),
        "nothing is reset": (
            "tests/fixtures/test_watched_files.py::test_files_that_are_as_before_again_reset_nothing",
            "tests/fixtures/test_watched_files.py::test_a_folder_that_is_away_for_a_while_resets_nothing",
        ),
    },
    "emulator/workspaces/workspace.py": {
        "or a fork; no file is touched": (
            DRY_RUN_LEAVES_ALONE,
            "tests/workspaces/test_workspace_making.py::test_a_read_answers_as_a_fresh_workspace_would_and_makes_none",
            "tests/workspaces/test_workspace_making.py::test_500_looks_make_no_file_and_leave_room_for_a_workspace",
        ),
        "then nothing has changed": (BY_HAND_OS, BY_HAND_FSYNC, RESET_REFUSED),
    },
    "emulator/workspaces/resting.py": {
        "0 if no other was used lately": (
            "tests/workspaces/test_resting.py::test_resets_never_rest_while_only_their_own_workspace_is_used",
        ),
    },
    "emulator/workspaces/registry.py": {
        "is never deleted or expired": (
            "tests/workspaces/test_workspaces.py::"
            "test_idle_workspaces_are_deleted_with_their_files_but_not_the_default_one",
            "tests/workspaces/test_workspaces.py::test_workspaces_are_listed_made_and_deleted",
        ),
    },
    "emulator/web/admin/possible.py": {"never": NEVER_MATCHES, "%(value)s can never match": NEVER_MATCHES},
    "emulator/web/admin/faults.py": {
        "so it can never match": (FAULT_NEVER_MATCHES,),
        "an item_error changes nothing": (ITEM_ERROR,),
        "an error in an item, which changes nothing": (ITEM_ERROR,),
    },
    "emulator/web/admin/imports.py": {"``dry_run`` changes nothing": (DRY_RUN,)},
    "emulator/web/admin/snapshot.py": {"or nothing of it": RESTORE},
    "emulator/workspaces/document_pieces.py": {
        "Whatever is changed after this call does not show": (
            "tests/web/admin/test_snapshot.py::test_what_changes_while_a_snapshot_is_written_is_not_in_it",
        ),
    },
    "emulator/web/openapi/static.json": {
        "in which nothing was added, changed or refused": (BARE_ITEM,),
        "A request that is refused as a whole changes nothing": (REFUSED_CHANGES_NOTHING,),
        "The state could not be written, and nothing has changed": REFUSED_BY_THE_DISK,
        "the system lets the emulator open no more files just now, and nothing has changed": (
            NO_MORE_FILES,
            "tests/web/test_large_bodies.py::test_so_many_large_bodies_come_in_at_a_time",
        ),
    },
}

#: Sentences that hold such a word and promise nothing of the emulator's.
NO_PROMISES: Final[dict[str, tuple[str, ...]]] = {
    "docs/clients.md": ("and nothing else has to change",),
    "docs/operations.md": ("`…` sets what an answered request survives:", "survives"),
    "docs/security.md": ("A client that never ends its body",),
    "push_emulator/journal.py": ("one or more if nothing else is expected",),
    "docs/client.md": ("one or more if nothing else is expected",),
    "emulator/cli/serve.py": ("(default: never)",),
    "docs/configuration.md": ("(default: never)",),
    "emulator/cli/import_.py": ("where nothing is quoted", "or if nothing was started"),
    "push_emulator/push_emulator.py": (
        "never",
        "end it with .once(), .never()",
    ),
    "emulator/journal/entry.py": ("empty where nothing was",),
    "emulator/settings.py": ("until an idle workspace is deleted (``None``: never)",),
    "emulator/store/pages.py": ("the only ids that can match, ascending",),
    "emulator/store/records.py": ("or everything where nothing is asked",),
    "emulator/web/admin/requests.py": ("it never came, or was evicted",),
}
