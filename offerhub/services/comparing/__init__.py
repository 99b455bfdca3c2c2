"""What one reconciliation compares, a module per place; see `services.reconciliation`."""
