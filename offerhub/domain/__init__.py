"""Pure rules: money, ids, states, fees, events, scopes, errors. Standard library only."""
