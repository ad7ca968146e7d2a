"""A second reader of the specification (*Appraisal*), written from its text before the first one was looked at.

Why it exists: two teams that follow the text must give the same bytes. Here they are two packages of one house. The
first (`collector.appraisal`) is fast: it joins advisories in a closed form, shares equal duties and remembers
boundaries. This one is plain and slow: facts stay the dictionaries that they are, every completion (C1, C2) is tried
by itself. Where random cases set the two apart, one of them misread a sentence, or the sentence is open and a
Decision is due.

It shares no code with the first, so that they cannot err together. It knows the Decisions of the judge's README.
"""

from tests.collector.appraisal.second.cases import appraised

__all__ = ["appraised"]
