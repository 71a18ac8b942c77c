"""What the database refuses of transactions to send."""

from __future__ import annotations

from tests.raw import CHECKSUMMED, WALLET, Raw


def test_a_nonce_is_used_once_until_it_is_replaced(raw: Raw) -> None:
    first = raw.add("chain_transactions", nonce=0)
    raw.refuses("chain_transactions", "uq_chain_transactions_nonce", nonce=0)
    raw.connection.execute("UPDATE chain_transactions SET status = 'replaced' WHERE id = %s", [first])
    raw.add("chain_transactions", nonce=0)


def test_a_purpose_is_sent_once(raw: Raw) -> None:
    raw.add("chain_transactions", purpose="deploy:1")
    raw.refuses("chain_transactions", "uq_chain_transactions_purpose", purpose="deploy:1")


def test_senders_are_lower_case_and_values_not_negative(raw: Raw) -> None:
    raw.refuses("chain_transactions", "ck_chain_transactions_sender_lower", sender=CHECKSUMMED)
    raw.refuses("chain_transactions", "ck_chain_transactions_value_not_negative", sender=WALLET, value=-1)
