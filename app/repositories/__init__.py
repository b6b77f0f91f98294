"""SQL by aggregate: plain functions that take the transaction first."""
