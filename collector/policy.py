"""The policy that a register judges under: one that ships, with the register's own first day where it has one."""

from msgspec.structs import replace

from collector.appraisal.policies import shipped
from collector.appraisal.policy import Policy
from collector.config import Config


def in_force(config: Config) -> Policy:
    """The configured policy; another first day makes another digest, which tells its verdicts apart.

    Raises:
        PolicyError: None of that name ships.
    """
    policy = shipped(config.policy)
    return policy if config.register_from is None else replace(policy, register_from=config.register_from)
