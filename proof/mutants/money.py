"""Ways to lose, double or misplace money: flows, books, deposits, withdrawals."""

from proof.mutants.mutant import Change, Mutant

_CHAIN = "offerhub/services/chain_steps.py"
_DEPOSITS = "offerhub/services/deposits.py"
_ENGINE = "offerhub/services/engine.py"
_WITHDRAWALS = "offerhub/services/withdrawals.py"
_LOST = "tests/services/test_lost_answers.py"

MUTANTS = (
    Mutant(
        "M1",
        "A release credits the seller with the platform's fee as well: the gross, not the net.",
        (
            Change(
                "offerhub/ledger/payouts.py",
                "        (a.user(seller_id, a.AVAILABLE), to_seller),\n"
                "        (a.FEES_PLATFORM, to_platform),\n",
                "        (a.user(seller_id, a.AVAILABLE), to_seller + to_platform),\n",
            ),
        ),
        ("tests/services/test_first_order.py::"
         "test_an_order_goes_from_topup_and_deposit_to_withdrawals[sqlite]",),
    ),
    Mutant(
        "M2",
        "A refund leaves the buyer without the fees that the contract took.",
        (
            Change(
                "offerhub/services/flows/make_whole.py",
                "        return None if sum(self._fees(run)) > 0 else "
                '"the contract took no fees"\n',
                '        return "never"\n',
            ),
        ),
        ("tests/services/test_resolutions.py::test_a_refund_gives_the_buyer_everything_back_and_"
         "the_platform_bears_the_fees[sqlite-500]",),
    ),
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
        "M6",
        "A call whose outcome is unknown is repeated without looking what became of it.",
        (
            Change(
                _ENGINE,
                "        verdict: Verdict = _look_up(run, step, row) if resumed else Absent()\n",
                "        verdict: Verdict = Absent()\n",
            ),
        ),
        (
            "tests/faults/test_chain_faults.py::test_what_is_never_included_is_built_anew_only_"
            "after_its_time_has_passed[sqlite-withdrawal]",
        ),
    ),
    Mutant(
        "M6",
        "The same, and a pay-out that was committed before counts as refused.",
        (
            Change(
                _ENGINE,
                "        verdict: Verdict = _look_up(run, step, row) if resumed else Absent()\n",
                "        verdict: Verdict = Absent()\n",
            ),
            Change(
                "offerhub/providers/airtm/adapter.py",
                "            if refusal.code != reasons.PAYOUT_ALREADY_PROCESSED:\n",
                "            if refusal.code:\n",
            ),
        ),
        (f"{_LOST}::test_money_that_was_paid_is_never_given_back[sqlite-pay-out committed]",),
    ),
    Mutant(
        "M7",
        "A transaction that is not seen is built anew, although the old one can still apply.",
        (
            Change(_CHAIN, "        if used or too_late:\n", "        if True:\n"),
            Change(
                _CHAIN,
                "            if proofs >= PROOFS_OF_ABSENCE and caught_up:\n",
                "            if proofs:\n",
            ),
        ),
        ("tests/faults/test_chain_faults.py::"
         "test_what_the_network_forgets_is_sent_again_and_not_built_again[sqlite-withdrawal]",),
    ),
    Mutant(
        "M8",
        "A used sequence number is believed at once, although the reader of hashes may lag.",
        (
            Change(
                _CHAIN,
                "            if proofs >= PROOFS_OF_ABSENCE and caught_up:\n",
                "            if proofs:\n",
            ),
        ),
        ("tests/faults/test_chain_faults.py::test_a_reader_that_is_ahead_for_the_account_and_"
         "behind_for_the_hash_is_not_believed[sqlite]",),
    ),
    Mutant(
        "M9",
        "A look-up that was refused counts as a call that was refused.",
        (
            Change(
                _ENGINE,
                "    except Rejected as refusal:\n        raise Unavailable(\n",
                "    except Rejected as refusal:\n"
                "        raise refusal\n"
                "        raise Unavailable(\n",
            ),
        ),
        ("tests/services/test_engine.py::test_a_refused_look_up_refunds_nobody"
         "[sqlite-transaction]",),
    ),
    Mutant(
        "M10",
        "An operation writes its outcome although another process has taken it over.",
        (
            Change(
                "offerhub/services/progress.py",
                "    if row is None or row.lease_token != run.operation.lease_token or "
                'row.status != "PENDING":\n',
                '    if row is None or row.status != "PENDING":\n',
            ),
        ),
        ("tests/services/test_fenced_work.py::test_whoever_was_overtaken_writes_nothing_while_the_"
         "other_is_at_work[sqlite-call]",),
    ),
    Mutant(
        "M11",
        "Two operations sign with one account at the same time.",
        (
            Change(
                _ENGINE,
                "            if claims and not store.try_claims(\n",
                "            if not claims and not store.try_claims(\n",
            ),
        ),
        ("tests/faults/test_chain_faults.py::"
         "test_operations_that_sign_with_one_wallet_wait_for_each_other[sqlite]",),
    ),
    Mutant(
        "M12",
        "An order is reserved whatever its state is.",
        (
            Change(
                "offerhub/store/orders.py",
                '            (Order.id == given("order_id")) & (Order.status == "ORDER_CREATED")'
                " & fn.EXISTS(active)\n",
                '            (Order.id == given("order_id")) & fn.EXISTS(active)\n',
            ),
        ),
        ("tests/services/test_races.py::test_of_six_reservations_of_an_order_one_counts"
         "[sqlite]",),
    ),
    Mutant(
        "M13",
        "A fee is rounded up.",
        (
            Change(
                "offerhub/domain/fees.py",
                "    return amount_stroops * fee_bps // BPS\n",
                "    return -(-amount_stroops * fee_bps // BPS)\n",
            ),
        ),
        ("tests/domain/test_fees.py::test_a_release_pays_what_the_contract_pays",),
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
