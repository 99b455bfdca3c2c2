"""Ways to let somebody in, lose an event or forge the record: doors, streams, the audit chain."""

from proof.mutants.mutant import Change, Mutant

_RELAY = "offerhub/events/relay.py"

MUTANTS = (
    Mutant(
        "M21",
        "What the escrow service built is signed unread.",
        (
            Change(
                "offerhub/providers/trustlesswork/adapter.py",
                "            verify(\n                envelope,\n",
                "            (lambda *args, **named: None)(\n                envelope,\n",
            ),
        ),
        ("tests/providers/trustlesswork/test_verify_funding.py::"
         "test_a_tampered_funding_is_never_signed",),
    ),
    Mutant(
        "M22",
        "A relay that was paused past its lease goes on writing: there is no fencing token.",
        (
            Change(
                _RELAY,
                "    if not leases.still_held(LEASE_NAME, holder=holder, token=token):\n",
                "    if not holder:\n",
            ),
        ),
        ("tests/events/test_relay.py::"
         "test_a_relay_that_was_paused_past_its_lease_changes_nothing[sqlite]",),
    ),
    Mutant(
        "M23",
        "An event has its place from its insert, so one that commits late is skipped.",
        (
            Change(
                _RELAY,
                "            event_store.place([event.id for event in waiting], "
                "first_sequence=first)\n",
                "            for event in waiting:\n"
                "                event_store.place([event.id], first_sequence=event.position)\n"
                "            del first\n",
            ),
        ),
        ("tests/events/test_relay.py::"
         "test_an_event_that_commits_late_comes_behind_and_is_not_skipped",),
    ),
    Mutant(
        "M24",
        "A link of the audit chain does not include the hash before it.",
        (
            Change(
                _RELAY,
                '    text = canonical({"number": number, "previous_hash": previous_hash, '
                '"record": body})\n',
                '    text = canonical({"number": number, "record": body})\n',
            ),
        ),
        ("tests/events/test_seals.py::"
         "test_records_are_chained_in_order_from_the_beginning[sqlite]",),
    ),
    Mutant(
        "M25",
        "The signature of a checkpoint is not looked at.",
        (
            Change(
                "offerhub/services/checkpoints.py",
                "    if not key.verifies(\n",
                "    if not unsigned and not key.verifies(\n",
            ),
        ),
        ("tests/services/test_audit_tampering.py::"
         "test_no_checkpoint_can_be_changed_reordered_or_forged[sqlite]",),
    ),
    Mutant(
        "M26",
        "A token may have scopes that its key does not have.",
        (
            Change(
                "offerhub/services/api_keys.py",
                "    if not bound:\n        return scopes.narrowed(row.scopes, wanted)\n",
                "    if not bound:\n        return tuple(wanted or row.scopes)\n",
            ),
        ),
        ("tests/api/test_authentication.py::"
         "test_a_token_carries_the_scopes_of_its_key_or_less[sqlite]",),
    ),
    Mutant(
        "M27",
        "A token that is bound to a user reads a resource of another user.",
        (
            Change(
                "offerhub/api/auth.py",
                "    if who.user_id not in [shown.get(field) for field in bound.fields]:\n",
                "    if not shown:\n",
            ),
        ),
        ("tests/api/surface/test_contract.py::"
         "test_a_bound_token_sees_none_of_anothers_resources[sqlite]",),
    ),
    Mutant(
        "M28",
        "A token that is bound to a user lists what all users have.",
        (Change("offerhub/api/auth.py", "    filters[field] = who.user_id\n", "    return\n"),),
        ("tests/api/test_authentication.py::TestTokensBoundToAUser::"
         "test_it_sees_only_orders_of_its_user[sqlite]",
         "tests/api/surface/test_contract.py::"
         "test_a_bound_token_sees_none_of_anothers_resources[sqlite]"),
    ),
    Mutant(
        "M29",
        "Only the first address of a webhook's host is looked at.",
        (
            Change(
                "offerhub/providers/outgoing/sender.py",
                "        return [check_address(text, allow_private=self._allow_private) "
                "for text in found]\n",
                "        check_address(found[0], allow_private=self._allow_private)\n"
                "        return found\n",
            ),
        ),
        ("tests/providers/test_mixed_addresses.py::"
         "test_one_private_address_among_many_is_enough_to_refuse_a_host",),
    ),
    Mutant(
        "M30",
        "A key of one marketplace gives the answer that another one got.",
        (
            Change(
                "offerhub/store/idempotency.py",
                '            on=(IdempotentAnswer.marketplace_id == given("marketplace_id"))\n'
                '            & (IdempotentAnswer.key == given("key")),\n',
                '            on=(IdempotentAnswer.key == given("key")),\n',
            ),
        ),
        ("tests/services/test_one_key_over_http.py::"
         "test_the_same_key_in_another_marketplace_is_another_key[sqlite]",),
    ),
    Mutant(
        "M31",
        "A kept answer is given again before anybody looks what the caller may do.",
        (
            Change(
                "offerhub/api/pipeline.py",
                "    auth.authorize(declared, who)\n",
                "    if kept is None:\n        auth.authorize(declared, who)\n",
            ),
        ),
        ("tests/api/test_idempotency.py::test_a_replay_still_needs_the_scope[sqlite]",),
    ),
    Mutant(
        "M32",
        "A webhook from the future is accepted, and can be sent again for as long.",
        (
            Change(
                "offerhub/providers/signed_webhooks.py",
                "        if abs(now_s - int(timestamp)) > TOLERANCE_S:\n",
                "        if now_s - int(timestamp) > TOLERANCE_S:\n",
            ),
        ),
        ("tests/services/test_inbox.py::"
         "test_forged_and_stale_webhooks_are_refused_and_not_stored[sqlite-from the future]",),
    ),
    Mutant(
        "M33",
        "The tokens of a revoked key go on working.",
        (
            Change(
                "offerhub/services/credentials.py",
                "        if row is None or not is_live(row, now) or "
                "row.token_version != claims.token_version:\n",
                "        if row is None:\n",
            ),
        ),
        ("tests/api/test_authentication.py::"
         "test_revocation_ends_a_key_and_its_tokens_at_once[sqlite]",),
    ),
    Mutant(
        "M34",
        "An answer that may change by itself is kept like a final one.",
        (
            Change(
                "offerhub/api/execution.py",
                "    return error_answer(known) if errors.may_be_kept(known) else None\n",
                "    return error_answer(known)\n",
            ),
        ),
        ("tests/api/test_idempotency.py::"
         "test_what_may_pass_by_itself_is_not_kept[sqlite]",),
    ),
    Mutant(
        "M35",
        "SQLite begins a transaction with reading, and is busy when it wants to write.",
        (
            Change(
                "offerhub/store/database.py",
                '            lock_type="IMMEDIATE",\n',
                '            lock_type="DEFERRED",\n',
            ),
        ),
        ("tests/store/test_sqlite.py::test_a_transaction_begins_immediate_and_ends_once",),
    ),
)  # fmt: skip
