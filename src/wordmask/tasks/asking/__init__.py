"""How a question is read, and answered by rules."""
