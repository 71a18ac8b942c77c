"""What happened, who did it, and proof that the record was not changed."""
