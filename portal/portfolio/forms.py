"""What the portfolio's buttons send."""

from __future__ import annotations

import re
import uuid
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from portal.web.bodies import Body

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)


def _address(value: str) -> str:
    if not _ADDRESS.fullmatch(value):
        raise ValueError("Choose one of your wallets.")
    return value.lower()


def _uuid(value: object) -> object:
    try:
        return uuid.UUID(str(value))
    except ValueError as error:
        raise ValueError("This is not a master's id.") from error


class Claim(Body):
    """Fetch what one master owes a wallet, or all of them."""

    wallet: Annotated[str, AfterValidator(_address)]
    master_id: Annotated[uuid.UUID, BeforeValidator(_uuid)] | None = None

    def masters(self) -> list[uuid.UUID] | None:
        return None if self.master_id is None else [self.master_id]
