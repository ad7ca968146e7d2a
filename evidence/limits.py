"""Every bound of the format, with its unit and its reason. A message beyond one is refused, never cut."""

MAX_MESSAGE_BYTES = 256 * 1024  # bytes; 1,000 devices with long names fit, a hostile payload costs little
MAX_STATEMENT_BYTES = 64 * 1024  # bytes; the longest list of affected versions seen in a real advisory fits
MAX_ENROLMENT_BYTES = 1024  # bytes; read before any key is known, and has fewer than 600
MAX_DRAFT_BYTES = 1024  # bytes before base32; a sale with all its fields has fewer than 500
MAX_ANSWER_BYTES = 4 * 1024  # bytes of a receipt, refusal or request; the longest path and the most ranges fit
MAX_DEPTH = 16  # nested containers; a report needs 5, an advisory 4
MAX_ITEMS = 65_536  # array items and map entries of one value, all levels together; 1,000 devices have 20,000
MAX_HEADER_BYTES = 512  # bytes of protected header; ours has fewer than 100
MAX_DEVICES = 1000  # devices in one report; a large apartment block's gateway has some hundreds
MAX_IDS = 64  # model ids of one device
MAX_TEXT_BYTES = 512  # bytes of UTF-8 in one text claim; longer is no version and no model
MAX_PATH = 64  # hashes in a Merkle proof; enough for 2**64 leaves
MAX_INTEGER = 2**53 - 1  # either sign, for integers that are shown as JSON: every reader holds them exactly
MAX_SEQUENCE = MAX_INTEGER
MAX_RANGES = 64  # gaps named in one request; what is left is asked for in the next
