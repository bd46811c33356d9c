"""Open-Vocabulary SAM: a frozen backbone that knows words learns to cut, and to name its cuts."""
