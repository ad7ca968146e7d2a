"""The verifier, register and judge."""
