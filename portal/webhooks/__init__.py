"""What other services tell us, each event once."""
