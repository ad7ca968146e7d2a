"""The agent's own command line at a quicker pace: it waits seconds where a gateway would wait minutes and hours."""

import functools
import sys

from agent import service
from agent.__main__ import main
from agent.publisher import Pace

QUICK = Pace(resend_s=2, resend_most_s=10, reconnect_s=0.2, reconnect_most_s=3, look_s=1)

if __name__ == "__main__":
    vars(service)["run"] = functools.partial(service.run, pace=QUICK)
    sys.exit(main())
