"""What can go wrong when facts are judged.

CollectorError
  AppraisalError  appraisal
    FactError     fact     a fact is invalid (rule F0); names it
    CaseError     case     a case file is no case
    PolicyError   policy   no policy of that name, or one that is not complete
"""

from collector.errors import CollectorError


class AppraisalError(CollectorError):
    """Anything that keeps the judge from judging."""

    code = "appraisal"


class FactError(AppraisalError):
    """An invalid fact.

    Args:
        fact_id: Its `id` as it was given, so that the caller can name it; None if it has none.
        fault: What is wrong with it, and where.
    """

    code = "fact"

    def __init__(self, fact_id: object, fault: str) -> None:
        super().__init__(f"fact {fact_id!r}: {fault}; correct the statement or leave it out")
        self.fact_id = fact_id
        self.fault = fault


class CaseError(AppraisalError):
    """A case file that is no case."""

    code = "case"


class PolicyError(AppraisalError):
    """No policy of that name, or one that is not complete."""

    code = "policy"
