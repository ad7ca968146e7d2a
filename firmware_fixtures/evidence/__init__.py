"""A shelf of messages: valid ones, and ones with exactly one defect, each with the code that must refuse it."""
