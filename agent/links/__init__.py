"""Ways to reach a device: a serial line, a Modbus bus, an MQTT broker, mDNS, the host itself.

A link moves bytes and knows nothing of versions. It asks what its reader asks for and nothing more, waits for a bounded
time, holds a bounded amount, and raises LinkError with a stable reason. Each module imports the library it needs; a
reader imports its link, so that only what the configuration chose is loaded.
"""
