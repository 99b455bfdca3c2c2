"""Events: recorded with their cause, sequenced by one relay, read as one ordered stream."""
