"""MQTT in, verified evidence in the store, receipts out, and only then the acknowledgement."""
