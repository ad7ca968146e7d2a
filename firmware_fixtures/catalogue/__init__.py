"""Foreign catalogues as files, and a generator of as many as a measurement needs."""
