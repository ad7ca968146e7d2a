"""Every parser of untrusted bytes, fed with bytes of nobody's making: `make fuzz SECONDS=60`."""
