"""Which contract a deployment creates, computed from the transaction that was verified. Pure.

The service says in its answer where the contract is. Believing that would undo every check made
before signing: it could name a contract of its own, and be paid. A contract's address is a hash
of who deploys it and of a salt, and both stand in the transaction.
Source: CAP-46-02, "Contract Identifier"; the factories deploy for the deployer that they are told,
and may do so in their own name.
"""

import hashlib

from stellar_sdk import Address, Network, StrKey, TransactionEnvelope, scval, xdr
from stellar_sdk.operation import InvokeHostFunction

from offerhub.providers.trustlesswork.arguments import contract_of


def addresses(envelope: TransactionEnvelope, *, passphrase: str) -> frozenset[str]:
    """The addresses that a verified deployment can create a contract at.

    Raises: ValueError for a transaction that is no deployment.
    """
    for operation in envelope.transaction.operations:
        called = (
            operation.host_function.invoke_contract
            if isinstance(operation, InvokeHostFunction)
            else None
        )
        if called is not None and len(called.args) >= 3:
            told = scval.from_address(called.args[0]).address
            salt = scval.from_bytes(called.args[2])
            deployers = (told, contract_of(called.contract_address))
            return frozenset(address_of(one, salt, passphrase=passphrase) for one in deployers)
    raise ValueError("the transaction is no deployment")


def address_of(deployer: str, salt: bytes, *, passphrase: str) -> str:
    """The address of what `deployer` (G or C) creates with this salt on this network."""
    preimage = xdr.HashIDPreimage(
        xdr.EnvelopeType.ENVELOPE_TYPE_CONTRACT_ID,
        contract_id=xdr.HashIDPreimageContractID(
            network_id=xdr.Hash(Network(passphrase).network_id()),
            contract_id_preimage=xdr.ContractIDPreimage(
                xdr.ContractIDPreimageType.CONTRACT_ID_PREIMAGE_FROM_ADDRESS,
                from_address=xdr.ContractIDPreimageFromAddress(
                    address=Address(deployer).to_xdr_sc_address(), salt=xdr.Uint256(salt)
                ),
            ),
        ),
    )
    return StrKey.encode_contract(hashlib.sha256(preimage.to_xdr_bytes()).digest())
