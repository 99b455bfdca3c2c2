"""Ways to do the work at providers wrongly: repeated, rebuilt, overtaken, badly shared out."""

from proof.mutants.mutant import Change, Mutant

_CHAIN = "offerhub/services/chain_steps.py"
_ENGINE = "offerhub/services/engine.py"
_STEPS = "offerhub/services/steps.py"
_DOUBTFUL = "tests/services/test_doubtful_refusals.py"
_BEHIND = "tests/services/test_readers_behind_us.py"
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
        "M6",
        "A call whose outcome is unknown is repeated without looking what became of it.",
        (
            Change(
                _ENGINE,
                "_look_up(run, step, row) if resumed else Absent()\n",
                "Absent()\n",
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
                "_look_up(run, step, row) if resumed else Absent()\n",
                "Absent()\n",
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
                _STEPS,
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
        "M36",
        "A refusal is believed although the pay-out may have been registered by a dead worker.",
        (
            Change(
                "offerhub/services/flows/withdrawal_airtm.py",
                "            if found is None:\n                raise\n            return found\n",
                "            raise\n",
            ),
        ),
        (f"{_DOUBTFUL}::test_a_pay_out_that_a_dead_worker_registered_is_not_undone_by_a_later_"
         "refusal[sqlite]",),
    ),
    Mutant(
        "M37",
        "After a restore, a refused reading of what was sent before gives the money back.",
        (
            Change(
                _ENGINE,
                "        with only_reading():\n"
                "            found = restored.found_again(run, step)\n",
                "        found = restored.found_again(run, step)\n",
            ),
        ),
        (f"{_DOUBTFUL}::test_after_a_restore_a_refused_reading_of_the_chain_gives_no_money_back"
         "[sqlite]",),
    ),
    Mutant(
        "M38",
        "A pay-out under our code is committed, whoever it is for.",
        (
            Change(
                "offerhub/services/flows/withdrawal_airtm.py",
                "        if found.casefold() == asked.casefold():\n",
                "        if found:\n",
            ),
        ),
        (f"{_BEHIND}::test_a_pay_out_under_our_code_for_somebody_else_is_never_committed[sqlite]",),
    ),
    Mutant(
        "M39",
        "Whoever builds the next transaction is believed before it can know the last one.",
        (Change(_CHAIN, "        if just_now or refusal", "        if refusal"),),
        (f"{_BEHIND}::test_a_builder_that_does_not_see_the_step_before_is_asked_again"
         "[sqlite-release-build_release-EscrowNotCompleted]",),
    ),
)  # fmt: skip
