"""What a person may ask about their own data: a copy of all of it, and that it goes."""
