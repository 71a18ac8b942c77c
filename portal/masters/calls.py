"""Calldata of a mint, with the portal's permit where the offer has a cap per person."""

from __future__ import annotations

from portal.chain import signer as signers
from portal.chain.abi import encode_call, mint_permit
from portal.chain.client import current
from portal.chain.signer import Role
from portal.config import Settings
from portal.masters.minting import PERMIT_SECONDS, Purchase

NO_TERMS = "0x" + "00" * 32


def mint_data(wanted: Purchase, settings: Settings) -> str:
    """`mint`, or `mintWithPermit` with a permit that lapses after 15 minutes by the chain's clock."""
    if not wanted.capped:
        return encode_call("MasterShares", "mint", (wanted.quantity,))
    tip = current().block("latest")
    deadline = (tip.timestamp if tip else 0) + PERMIT_SECONDS
    typed = mint_permit(
        wanted.shares_address, int(wanted.chain_id), wanted.wallet, wanted.allowance, NO_TERMS, deadline
    )
    signature = signers.of_role(settings, Role.PERMIT).sign_typed_data(typed)
    arguments = (wanted.quantity, wanted.allowance, NO_TERMS, deadline, signature)
    return encode_call("MasterShares", "mintWithPermit", arguments)
