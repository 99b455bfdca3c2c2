"""Ways to lose, double or misplace what comes in and goes out."""

from proof.mutants.mutant import Change, Mutant

_DEPOSITS = "offerhub/services/deposits.py"
_LOST = "tests/services/test_lost_answers.py"
_WITHDRAWALS = "offerhub/services/withdrawals.py"

MUTANTS = (
    Mutant(
        "M3",
        "A deposit is known by its transaction, so the second payment in one is not credited.",
        (
            Change(
                _DEPOSITS,
                '            "operation_id": movement.operation_id,\n'
                '            "change_index": movement.change_index,\n',
                '            "operation_id": movement.transaction_hash,\n'
                '            "change_index": 0,\n',
            ),
        ),
        ("tests/services/test_deposits.py::"
         "test_several_payments_in_one_transaction_are_several_deposits[sqlite]",),
    ),
    Mutant(
        "M4",
        "Whatever calls itself USDC is credited, whoever issued it.",
        (
            Change(
                "offerhub/providers/stellar/mapping.py",
                "            usdc=moved.asset == usdc,\n",
                '            usdc=":USDC:" in moved.asset,\n',
            ),
        ),
        ("tests/services/test_deposits.py::"
         "test_false_dollars_and_foreign_money_are_recorded_and_not_credited[sqlite]",),
    ),
    Mutant(
        "M5",
        "A late webhook moves a top-up out of its terminal state.",
        (
            Change(
                "offerhub/services/topups.py",
                "    if not late and RANK[target] <= RANK[row.status]:\n",
                "    if False:\n",
            ),
            Change(
                "offerhub/services/topups.py",
                "    row.status = TOPUP.check(row.status, target, resource_id=row.id)\n",
                "    row.status = target\n",
            ),
        ),
        ("tests/services/test_inbox.py::test_a_late_failure_takes_nothing_back[sqlite]",),
    ),
    Mutant(
        "M14",
        "A pay-out that bounced is not given back.",
        (
            Change(
                "offerhub/services/withdrawal_returns.py",
                '        log.error("withdrawal.return_unmatched", '
                "provider_id=returned.provider_id)\n"
                "        return 0\n    with atomic():\n",
                '        log.error("withdrawal.return_unmatched", '
                "provider_id=returned.provider_id)\n"
                "    if returned:\n        return 0\n    with atomic():\n",
            ),
        ),
        ("tests/services/test_withdrawal_returns.py::"
         "test_a_payout_that_bounces_is_credited_once_and_stays_completed[sqlite]",),
    ),
    Mutant(
        "M15",
        "The place in a wallet's history is saved before what was read there is credited.",
        (
            Change(
                _DEPOSITS,
                "        with atomic():\n"
                "            locked = users_store.wallet_for_update(wallet_id)\n"
                "            if locked is None or int(locked.cursor) > int(wallet.cursor):\n",
                "        with atomic():\n"
                "            early = users_store.Wallet.update(cursor=page.last_cursor)\n"
                "            early.where(users_store.Wallet.id == wallet_id).execute()\n"
                "        with atomic():\n"
                "            locked = users_store.wallet_for_update(wallet_id)\n"
                "            if locked is None:\n",
            ),
        ),
        ("tests/services/test_deposits.py::"
         "test_pages_are_read_to_their_end_and_a_death_between_them_costs_nothing[sqlite]",),
    ),
    Mutant(
        "M16",
        "A status of a pay-out that nobody knows counts as failed, and the hold is given back.",
        (
            Change(
                _WITHDRAWALS,
                "    target = STATES.get(payout.status)\n",
                '    target = STATES.get(payout.status, "WITHDRAWAL_FAILED")\n',
            ),
        ),
        (f"{_LOST}::test_a_pay_out_of_a_status_that_nobody_knows_keeps_its_hold[sqlite]",),
    ),
    Mutant(
        "M17",
        "A payment of another amount is taken for the withdrawal's.",
        (
            Change(
                _WITHDRAWALS,
                "    if moved_stroops != row.amount:\n",
                "    if moved_stroops <= 0:\n",
            ),
        ),
        ("tests/services/test_engine.py::"
         "test_an_effect_that_is_not_what_was_asked_for_is_stuck_at_once_and_posts_nothing"
         "[sqlite]",),
    ),
    Mutant(
        "M18",
        "What our own operations moved is credited again as a deposit.",
        (
            Change(
                _DEPOSITS,
                "    if operations_store.own_hashes([movement.transaction_hash]):\n",
                "    if movement.source == movement.destination:\n",
            ),
            Change(
                _DEPOSITS,
                "    if movement.source in {keys.treasury.address, keys.release.address, "
                "keys.resolver.address}:\n",
                "    if movement.source in {keys.release.address, keys.resolver.address}:\n",
            ),
        ),
        ("tests/services/test_deposits.py::"
         "test_what_our_own_operations_moved_is_not_credited_again[sqlite-bridged funding]",),
    ),
    Mutant(
        "M19",
        "A movement has no permanent key: it can be posted twice.",
        (
            Change(
                "offerhub/ledger/journal.py",
                '            "reference": transfer.reference,\n',
                '            "reference": f"{transfer.reference}:{transfer_id}",\n',
            ),
        ),
        ("tests/ledger/test_journal.py::"
         "test_a_reference_is_posted_once_ever_and_the_second_leaves_nothing[sqlite]",),
    ),
    Mutant(
        "M20",
        "The answer about a withdrawal is forgotten while the withdrawal's outcome is unknown.",
        (
            Change(
                "offerhub/services/idempotency.py",
                "    if not told:\n        return False\n",
                "    if told:\n        return False\n",
            ),
        ),
        ("tests/services/test_one_key_over_http.py::test_a_withdrawal_whose_outcome_is_unknown_"
         "outlives_the_retention_of_its_key[sqlite]",),
    ),
)  # fmt: skip
