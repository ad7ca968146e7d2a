"""Devices as data, and the simulator that plays them."""
