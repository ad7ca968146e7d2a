"""Simulated readers; `tests.world.agent` puts this folder beside the product's own."""
