"""The 20 accounts of the well-known development mnemonic; everybody knows their keys."""

from functools import cache

from eth_account import Account
from eth_account.signers.local import LocalAccount

MNEMONIC = "test test test test test test test test test test test junk"
COUNT = 20
BALANCE = 1_000_000 * 10**18


@cache
def account(index: int) -> LocalAccount:
    """The development account `index`, 0 to 19, at m/44'/60'/0'/0/index."""
    if not 0 <= index < COUNT:
        raise ValueError(f"there are {COUNT} development accounts, counted from 0")
    Account.enable_unaudited_hdwallet_features()
    signer: LocalAccount = Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{index}")
    return signer
