"""P6 to P11: what the older system let through or forgot, put in place of ours.

Source: docs/proof.md. One defect may have several shapes.
"""

from proof.mutants.mutant import Change, Mutant

_INBOX = "offerhub/services/inbox.py"

MUTANTS = (
    Mutant(
        "P6",
        "Events are emitted after the commit of their cause.",
        (
            Change(
                "offerhub/events/outbox.py",
                "    store.insert(rows)\n",
                "    from offerhub.store.database import after_commit\n"
                "    after_commit(lambda: store.insert(rows))\n",
            ),
        ),
        ("tests/events/test_deaths.py::test_a_death_right_after_the_commit_loses_no_event"
         "[sqlite]",),
    ),
    Mutant(
        "P6",
        "A reader resumes after a time in milliseconds, not after a place.",
        (
            Change(
                "offerhub/store/events.py",
                "    query = Event.select().where(Event.sequence > sequence)\n",
                "    then = Event.select(Event.occurred_at).where(Event.sequence == sequence)\n"
                "    query = Event.select().where(\n"
                "        (Event.occurred_at > then) if sequence else (Event.sequence > 0)\n"
                "    )\n",
            ),
        ),
        ("tests/events/test_stream.py::test_filtered_pages_walk_the_whole_stream[sqlite]",),
    ),
    Mutant(
        "P6",
        "Only the newest thousand events are kept for readers.",
        (
            Change(
                "offerhub/store/events.py",
                "    query = Event.select().where(Event.sequence > sequence)\n",
                "    floor = max(sequence, head_sequence() - 1000)\n"
                "    query = Event.select().where(Event.sequence > floor)\n",
            ),
        ),
        ("tests/events/test_deaths.py::test_more_than_a_thousand_events_are_read_from_the_first"
         "[sqlite]",),
    ),
    Mutant(
        "P7",
        "A rate limit is an INCR and an EXPIRE as two commands, over a fixed window.",
        (
            Change(
                "offerhub/api/rate_limits.py",
                "            allowed, counted, reset_ms = self._script(\n"
                "                keys=[self._prefix + subject], "
                "args=[limit, cost, SLOT_MS, _SLOTS], client=client\n"
                "            )\n",
                "            counted = client.incrby(self._prefix + subject, cost)\n"
                "            if counted == cost:\n"
                "                client.pexpire(self._prefix + subject, WINDOW_MS)\n"
                "            allowed, reset_ms = counted <= limit, 1000\n",
            ),
        ),
        ("tests/api/test_dying_limiters.py::test_a_process_that_dies_between_two_commands_locks_"
         "nobody_out",),
    ),
    Mutant(
        "P8",
        "A sealed seed is not bound to its row.",
        (
            Change(
                "offerhub/providers/vault.py",
                "    return nonce + AESGCM(key).encrypt(nonce, plain, context)\n",
                "    return nonce + AESGCM(key).encrypt(nonce, plain, None)\n",
            ),
            Change(
                "offerhub/providers/vault.py",
                "        return AESGCM(key).decrypt("
                "data[:_NONCE_BYTES], data[_NONCE_BYTES:], context)\n",
                "        return AESGCM(key).decrypt("
                "data[:_NONCE_BYTES], data[_NONCE_BYTES:], None)\n",
            ),
        ),
        ("tests/providers/test_vault.py::test_a_sealed_key_does_not_open_for_another_row",),
    ),
    Mutant(
        "P8",
        "A sealed seed does not say under which key it was sealed; there is only the current one.",
        (
            Change(
                "offerhub/providers/vault.py",
                "        kek = self._keks.get(key_id)\n",
                "        kek = self._keks.get(self._active)\n",
            ),
        ),
        ("tests/providers/test_vault.py::"
         "test_rewrapping_moves_a_seed_to_the_active_key_and_keeps_it",),
    ),
    Mutant(
        "P9",
        "A transaction that lost against another one is not repeated.",
        (
            Change(
                "offerhub/services/idempotency.py",
                "            if failures.is_passing(error) and attempt < MAX_ATTEMPTS:\n",
                "            if failures.is_passing(error) and attempt < 1:\n",
            ),
        ),
        ("tests/services/test_contention.py::"
         "test_requests_that_deadlock_with_each_other_are_all_answered",),
    ),
    Mutant(
        "P10",
        "Without a webhook secret every webhook is accepted.",
        (
            Change(
                _INBOX,
                "    if not verifier.configured:\n"
                '        raise OfferHubError("No webhook secret is configured.", '
                'code="PROVIDER_UNAVAILABLE")\n'
                "    now = ctx.now_ms()\n"
                "    try:\n"
                "        webhook = verifier.verify(headers, body, now_s=now // 1000)\n",
                "    import json\n"
                "    from offerhub.ports.webhooks import VerifiedWebhook\n"
                "    now = ctx.now_ms()\n"
                "    try:\n"
                "        if verifier.configured:\n"
                "            webhook = verifier.verify(headers, body, now_s=now // 1000)\n"
                "        else:\n"
                "            said = json.loads(body)\n"
                '            webhook = VerifiedWebhook(ids.new_id(ids.INBOX), said["eventType"],\n'
                '                                      said["data"]["code"])\n',
            ),
        ),
        ("tests/services/test_inbox.py::test_without_a_secret_nothing_is_accepted[sqlite]",),
    ),
    Mutant(
        "P10",
        "A production without a webhook secret starts, with one that everybody knows.",
        (
            Change(
                "offerhub/settings/fields.py",
                '        "whsec_… of your webhook endpoint at Airtm; '
                'unsigned webhooks are never accepted.",\n',
                '        "whsec_… of your webhook endpoint at Airtm; '
                'unsigned webhooks are never accepted.",\n'
                '        default=SecretStr("whsec_'
                'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="),\n',
            ),
        ),
        (
            "tests/settings/test_settings.py::test_production_without_a_required_variable_is_"
            "refused_by_its_name[AIRTM_WEBHOOK_SECRET]",
        ),
    ),
    Mutant(
        "P11",
        "A user's balance changes without an entry.",
        (
            Change(
                "offerhub/ledger/journal.py",
                "            for line in transfer.lines\n        ]\n",
                "            for line in transfer.lines\n"
                '            if not line.account.startswith("user:")\n        ]\n',
            ),
        ),
        ("tests/ledger/test_journal.py::"
         "test_the_balance_after_each_entry_is_the_sum_of_all_entries_so_far[sqlite]",
         "tests/ledger/test_journal.py::"
         "test_a_transfer_is_written_with_its_entries_and_the_balances_after_it[sqlite]"),
    ),
    Mutant(
        "P11",
        "Entries that do not balance are posted.",
        (
            Change(
                "offerhub/ledger/transfers.py",
                "        if total != 0 or len(self.lines) < 2:\n",
                "        if len(self.lines) < 1:\n",
            ),
        ),
        ("tests/ledger/test_transfers.py::test_entries_that_do_not_balance_are_no_transfer",),
    ),
    Mutant(
        "P11",
        "Nobody compares a balance with its entries.",
        (
            Change(
                "offerhub/ledger/checks.py",
                "        if balance != expected:\n",
                "        if False:\n",
            ),
        ),
        ("tests/ledger/test_checks.py::test_a_finding_names_the_account_and_both_figures"
         "[sqlite]",),
    ),
)  # fmt: skip
