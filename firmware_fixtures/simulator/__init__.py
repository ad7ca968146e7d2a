"""Plays device folders: serial devices over a pty, MQTT houses on a broker. Knows nothing of the agent."""
