# pragma version 0.4.3
# A contract wallet: EIP-1271 says yes to what its owner's key signed.
owner: public(address)
YES: constant(bytes4) = 0x1626ba7e

@deploy
def __init__(owner: address):
    self.owner = owner

@external
@view
def isValidSignature(digest: bytes32, signature: Bytes[65]) -> bytes4:
    assert len(signature) == 65
    r: uint256 = convert(slice(signature, 0, 32), uint256)
    s: uint256 = convert(slice(signature, 32, 32), uint256)
    v: uint256 = convert(slice(signature, 64, 1), uint256)
    if ecrecover(digest, v, r, s) == self.owner:
        return YES
    return empty(bytes4)
