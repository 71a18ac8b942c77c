"""Public profiles of artists and producers, and who follows whom."""
