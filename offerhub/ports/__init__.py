"""What we need from outside, in our words: Protocols and frozen records. Standard library only."""
