# pragma version 0.4.3
"""
@title Money in and out
@notice One way to take and to give native coin (the empty address) or an ERC-20 of the allow-list.
"""
from ethereum.ercs import IERC20


@internal
@payable
def pull(currency: address, payer: address, amount: uint256):
    """Take exactly `amount` smallest units from `payer`; native coin must come with the call."""
    if currency == empty(address):
        assert msg.value == amount, "wrong payment"
        return
    assert msg.value == 0, "native coin not wanted"
    if amount > 0:
        assert extcall IERC20(currency).transferFrom(
            payer, self, amount, default_return_value=True
        ), "payment refused"


@internal
def push(currency: address, payee: address, amount: uint256, gas_limit: uint256) -> bool:
    """
    Give `amount` smallest units to `payee`; False where the receiver or the token refuses.
    No return data beyond one word is copied, so a receiver cannot make the caller pay for memory.
    """
    if currency == empty(address):
        return raw_call(payee, b"", value=amount, gas=gas_limit, revert_on_failure=False)
    success: bool = False
    answer: Bytes[32] = b""
    success, answer = raw_call(
        currency,
        abi_encode(payee, amount, method_id=method_id("transfer(address,uint256)")),
        max_outsize=32,
        gas=gas_limit,
        revert_on_failure=False,
    )
    return success and (len(answer) == 0 or convert(answer, uint256) == 1)
