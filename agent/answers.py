"""What the collector says, opened and checked: against its key and its log id, both from the enrolment.

Receipts have no type in their protected header; refusals and requests do. Whatever else arrives on these topics is
junk: anybody who may publish there could have sent it.
"""

from evidence import receipt
from evidence.errors import ClaimError, EvidenceError
from evidence.keys import PublicKey
from evidence.receipt import Receipt, Refusal, Request

Answer = Receipt | Refusal | Request


def open_answer(leaf: str, data: bytes, *, key: PublicKey, log: str, gateway: str) -> Answer:
    """Check a message of the collector.

    Args:
        leaf: Last level of the topic it came on.
        data: The message.
        key: The collector's.
        log: Id of its log.
        gateway: To whom it must be addressed.

    Raises:
        EvidenceError: It is not this collector's word to this gateway.
    """
    answer: Answer
    if leaf == "request":
        answer = receipt.open_request(data, key)
    else:
        try:
            answer = receipt.open_receipt(data, key)
        except EvidenceError as error:
            if error.code != "profile":
                raise
            answer = receipt.open_refusal(data, key)
    if answer.log != log:
        raise ClaimError("/log", f"{log}, the log of the enrolment")
    # A receipt names no gateway: its digest does.
    if not isinstance(answer, Receipt) and answer.gateway != gateway:
        raise ClaimError("/ueid", "this gateway's")
    return answer
