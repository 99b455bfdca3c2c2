"""P1 to P5: what the older system lost or paid twice, put in place of ours.

Source: docs/proof.md. One defect may have several shapes.
"""

from proof.mutants.mutant import Change, Mutant

_ENGINE = "offerhub/services/engine.py"
_INBOX = "offerhub/services/inbox.py"
_KEY = "tests/services/test_one_key_over_http.py"
_LOST = "tests/services/test_lost_answers.py"
_RACE = "tests/services/test_races.py::test_eight_withdrawals_of_everything_pay_once[sqlite]"

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
        "P1",
        "Every posting reads the balances and writes what it makes of them.",
        (
            Change(
                "offerhub/store/ledger.py",
                "    return dict(_apply(len(deltas)).values(**values))\n",
                "    before = balances(list(deltas))\n"
                "    after = {\n"
                "        name: before[name] + delta\n"
                "        for name, delta in deltas.items()\n"
                "        if name in before and before[name] + delta >= 0\n"
                "    }\n"
                "    for name in sorted(after):\n"
                "        changed = Account.update(balance=after[name])\n"
                "        changed.where(Account.name == name).execute()\n"
                "    return after\n",
            ),
        ),
        (
            "tests/ledger/test_races.py::"
            "test_of_eight_reservations_of_everything_exactly_one_succeeds[postgres]",
            "tests/ledger/test_races.py::"
            "test_concurrent_credits_of_one_account_all_arrive[postgres]",
        ),
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
)  # fmt: skip
