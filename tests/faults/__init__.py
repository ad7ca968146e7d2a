"""The fault harness: real processes, faults at random moments, and a history in which nothing may be lost."""
