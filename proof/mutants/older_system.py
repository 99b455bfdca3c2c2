"""P1 to P11: the shapes of the older system, put in place of ours.

Source: docs/proof.md, "What the older system got wrong". One defect may have several shapes.
"""

from proof.mutants.mutant import Change, Mutant

_ENGINE = "offerhub/services/engine.py"
_INBOX = "offerhub/services/inbox.py"
_RACE = "tests/services/test_races.py::test_eight_withdrawals_of_everything_pay_once[sqlite]"
_LOST = "tests/services/test_lost_answers.py"
_KEY = "tests/services/test_one_key_over_http.py"

MUTANTS = (
    Mutant(
        "P1",
        "A withdrawal reads the balance first and later writes an absolute one.",
        (
            Change(
                "offerhub/services/withdrawals.py",
                "    now = ctx.now_ms()\n    with atomic():\n        require_active(user_id)\n",
                "    now = ctx.now_ms()\n"
                '    name = f"user:{user_id}:available"\n'
                "    with connection():\n"
                "        before = journal.balance(name)\n"
                "    if before < amount_stroops:\n"
                "        from offerhub.domain.errors import InsufficientFunds\n"
                '        raise InsufficientFunds(account="available", reference=user_id)\n'
                "    with atomic():\n        require_active(user_id)\n",
            ),
            Change(
                "offerhub/services/withdrawals.py",
                "        journal.post(\n"
                "            transfers.withdrawal_held("
                "withdrawal_id=row.id, user_id=user_id, amount=amount_stroops),\n"
                "            now_ms=now,\n"
                "        )\n",
                "        from offerhub.store.ledger import Account\n"
                "        Account.update(balance=before - amount_stroops).where(\n"
                "            Account.name == name\n"
                "        ).execute()\n"
                "        Account.update(balance=Account.balance + amount_stroops).where(\n"
                '            Account.name == f"user:{user_id}:withdrawing"\n'
                "        ).execute()\n",
            ),
        ),
        (_RACE,),
    ),
    Mutant(
        "P2",
        "Any failure of a provider's call counts as a refusal, and the money is given back.",
        (
            Change(
                _ENGINE,
                "        postpone(run, step, row, failure)\n        return False\n",
                "        refused = Refused(Rejected(failure.message, provider=failure.provider))\n"
                "        return _conclude(run, flow, step, row, refused)\n",
            ),
        ),
        (f"{_LOST}::test_money_that_was_paid_is_never_given_back[sqlite-pay-out registered]",),
    ),
    Mutant(
        "P2",
        "A payment on chain whose answer is lost counts as refused, and the money is given back.",
        (
            Change(
                "offerhub/services/chain_steps.py",
                "        except OutcomeUnknown:\n            delay_s = 1.0\n",
                "        except OutcomeUnknown as lost:\n"
                "            return Refused(Rejected(lost.message, provider=lost.provider))\n",
            ),
        ),
        (f"{_LOST}::test_money_that_was_paid_is_never_given_back[sqlite-withdrawal]",),
    ),
    Mutant(
        "P3",
        "A webhook counts as done before its effect: after a crash it is a duplicate for ever.",
        (
            Change(
                _INBOX,
                '    ctx.app.probe(f"inbox/{row.event_type}/begin")\n',
                "    with atomic():\n"
                "        early = store.get_for_update(row.id)\n"
                "        assert early is not None\n"
                '        early.status, early.next_attempt_at = "APPLIED", None\n'
                "        early.save()\n"
                '    ctx.app.probe(f"inbox/{row.event_type}/begin")\n',
            ),
        ),
        (
            "tests/services/test_inbox.py::test_a_death_between_receipt_and_effect_loses_nothing"
            "[sqlite-inbox/payin.confirmed/begin]",
        ),
    ),
    Mutant(
        "P3",
        "A webhook whose handler failed once is never handled again.",
        (
            Change(
                _INBOX,
                "        if row.attempts >= MAX_ATTEMPTS:\n",
                "        if row.attempts >= 1:\n",
            ),
        ),
        ("tests/services/test_inbox.py::test_a_read_that_fails_is_no_answer[sqlite]",),
    ),
    Mutant(
        "P4",
        "The answer is kept after the transaction of its effect.",
        (
            Change(
                "offerhub/services/idempotency.py",
                "                answer = work()\n"
                "                if claim is not None:\n"
                "                    _keep(app, claim, answer)\n",
                "                answer = work()\n"
                "            if claim is not None:\n"
                "                return _keep_after(app, claim, answer)\n",
            ),
        ),
        (f"{_KEY}::test_a_death_right_after_the_effect_and_an_emptied_redis_leave_one_effect"
         "[sqlite]",),
    ),
    Mutant(
        "P4",
        "The fingerprint is of the body alone, not of the method and the path.",
        (
            Change(
                "offerhub/api/idempotency.py",
                "    parts = [method.encode(), path.encode(), json_body.canonical(body)]\n",
                "    parts = [json_body.canonical(body)]\n",
            ),
        ),
        (f"{_KEY}::test_the_key_on_another_route_is_refused_and_does_nothing[sqlite]",),
    ),
    Mutant(
        "P4",
        "The fingerprint depends on the order of the body's keys.",
        (
            Change(
                "offerhub/api/json_body.py",
                "        value, sort_keys=True, separators",
                "        value, sort_keys=False, separators",
            ),
        ),
        ("tests/api/test_idempotency.py::test_formatting_does_not_make_another_request[sqlite]",),
    ),
    Mutant(
        "P5",
        "A release keeps no record between its rounds on chain, and begins anew after a crash.",
        (
            Change(
                _ENGINE,
                '        if row is not None and row.status == "SUCCEEDED":\n'
                "            continue\n"
                "        if not _advance(",
                "        if not _advance(",
            ),
            Change(
                _ENGINE,
                '    resumed = row is not None and row.status in {"PREPARED", "UNKNOWN"}\n',
                "    resumed = False\n",
            ),
        ),
        (f"{_LOST}::test_a_release_that_dies_after_each_of_its_calls_pays_once[sqlite]",),
    ),
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
