"""Artist coins: balances from Transfer logs, pools and positions."""
