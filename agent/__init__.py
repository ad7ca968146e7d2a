"""The attester: reads firmware versions on a home gateway, signs them and sends them."""
