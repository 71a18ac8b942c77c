"""What a person holds and what it paid, composed from shares, dividends and claims of their own wallets."""
