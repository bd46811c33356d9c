"""Open-Vocabulary SAM: one network that cuts what is shown to it and says what it is."""
