"""What a person shows of things in a volume, and how they are followed from slice to slice."""
